"""Google Gemini."""

from llmring_providers.google.adapter import GoogleAdapter
from llmring_providers.google.provider import create

__all__ = ["GoogleAdapter", "create"]
