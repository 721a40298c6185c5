"""OpenAI, Anthropic, Google Gemini and Ollama behind one request and response."""

from llmring_providers._adapter import Adapter, StreamDecoder, WireRequest
from llmring_providers._discovery import (
    BUILTIN,
    ENTRY_POINT_GROUP,
    ProviderFactory,
    find_adapter,
    find_factory,
)
from llmring_providers._http import HttpProvider
from llmring_providers._http_stream import HttpStream
from llmring_providers._protocol import BoundsOutput, ChatCall, OutputBounds, Provider, ProviderStream
from llmring_providers._settings import KeySource, ProviderSettings, without_credentials

__all__ = [
    "BUILTIN",
    "ENTRY_POINT_GROUP",
    "Adapter",
    "BoundsOutput",
    "ChatCall",
    "HttpProvider",
    "HttpStream",
    "KeySource",
    "OutputBounds",
    "Provider",
    "ProviderFactory",
    "ProviderSettings",
    "ProviderStream",
    "StreamDecoder",
    "WireRequest",
    "find_adapter",
    "find_factory",
    "without_credentials",
]
