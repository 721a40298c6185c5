"""Anthropic, and every host that speaks its Messages API."""

from llmring_providers.anthropic.adapter import AnthropicAdapter
from llmring_providers.anthropic.provider import create

__all__ = ["AnthropicAdapter", "create"]
