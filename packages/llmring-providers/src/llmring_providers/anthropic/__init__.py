"""Anthropic, and every host that speaks its Messages API."""

from llmring_providers.anthropic.provider import AnthropicAdapter, create

__all__ = ["AnthropicAdapter", "create"]
