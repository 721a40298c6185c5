"""Messages, requests and responses."""

from llmring_types import Attempt, LLMRequest, LLMResponse, Message, ModelRef, StreamChunk, ToolCall, Usage

from llmring._moved import moved

__all__ = ["Attempt", "LLMRequest", "LLMResponse", "Message", "ModelRef", "StreamChunk", "ToolCall", "Usage"]

__getattr__ = moved(
    __name__,
    {
        "FileMetadata": "llmring_providers.files.StoredFile",
        "FileUploadResponse": "llmring_providers.files.StoredFile",
        "RegisteredFile": "llmring.files.RegisteredFile",
    },
)
