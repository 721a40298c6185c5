"""How bytes reach a provider: one small protocol with few implementations."""

from llmring_providers.transport._auto import AutoTransport
from llmring_providers.transport._protocol import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    TransportError,
)

__all__ = ["AutoTransport", "ByteStream", "HttpRequest", "HttpResponse", "Transport", "TransportError"]
