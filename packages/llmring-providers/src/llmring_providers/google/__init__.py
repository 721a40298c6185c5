"""Google Gemini."""

from llmring_providers.google.provider import GoogleAdapter, create

__all__ = ["GoogleAdapter", "create"]
