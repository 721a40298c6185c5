"""Messages, requests and responses."""

from llmring_types import Attempt, LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, ToolCall, Usage

__all__ = ["Attempt", "LLMRequest", "LLMResponse", "Message", "ModelRef", "StreamChunk", "ToolCall", "Usage"]
