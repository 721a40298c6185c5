"""OpenAI, and every host that speaks its protocol."""

from llmring_providers.openai.provider import OpenAIAdapter, ResponsesAdapter, create

__all__ = ["OpenAIAdapter", "ResponsesAdapter", "create"]
