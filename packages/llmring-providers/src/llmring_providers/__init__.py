"""OpenAI, Anthropic, Google Gemini and Ollama behind one request and response."""

from llmring_providers._http.provider import HttpProvider
from llmring_providers._http.replies import HttpStream
from llmring_providers._protocol import (
    Adapter,
    BoundsOutput,
    ChatCall,
    EncodedCall,
    Fingerprint,
    OutputBounds,
    Provider,
    ProviderStream,
    StreamDecoder,
    WireRequest,
)
from llmring_providers._settings import (
    BUILTIN,
    ENTRY_POINT_GROUP,
    KeySource,
    ProviderFactory,
    ProviderSettings,
    find_adapter,
    find_factory,
    installed_providers,
)
from llmring_providers.transport._protocol import without_credentials

__all__ = [
    "BUILTIN",
    "ENTRY_POINT_GROUP",
    "Adapter",
    "BoundsOutput",
    "ChatCall",
    "EncodedCall",
    "Fingerprint",
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
    "installed_providers",
    "without_credentials",
]
