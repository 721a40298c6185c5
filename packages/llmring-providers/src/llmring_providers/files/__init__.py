"""Files kept at a provider, of every vendor that keeps some: pure codecs, found by the name of the host."""

from llmring_providers.files.calls import (
    FileCodec,
    FilePage,
    FileState,
    FileUpload,
    KeepsFiles,
    StoredFile,
)
from llmring_providers.files.codecs import AnthropicFiles, GeminiFiles, OpenAIFiles, file_codec

__all__ = [
    "AnthropicFiles",
    "FileCodec",
    "FilePage",
    "FileState",
    "FileUpload",
    "GeminiFiles",
    "KeepsFiles",
    "OpenAIFiles",
    "StoredFile",
    "file_codec",
]
