"""OpenAI, and every host that speaks its protocol."""

from llmring_providers.openai.adapter import OpenAIAdapter
from llmring_providers.openai.provider import create

__all__ = ["OpenAIAdapter", "create"]
