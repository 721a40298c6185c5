"""Amazon Bedrock, by its Converse API."""

from llmring_providers.bedrock.provider import BedrockAdapter, create

__all__ = ["BedrockAdapter", "create"]
