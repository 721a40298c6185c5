"""How bytes reach a provider: one small protocol with few implementations."""

from llmring_providers.transport._protocol import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    Transport,
    TransportError,
)

__all__ = ["ByteStream", "HttpRequest", "HttpResponse", "Transport", "TransportError"]
