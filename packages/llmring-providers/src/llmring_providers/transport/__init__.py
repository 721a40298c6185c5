"""Transports move bytes to a provider and back: one small protocol with few implementations."""

from llmring_providers.transport._network import (
    AutoTransport,
    Diversion,
    LoopbackOnly,
    Refusal,
    divert,
    refuse_network,
)
from llmring_providers.transport._protocol import (
    MAX_RESPONSE_BYTES,
    ByteStream,
    HttpRequest,
    HttpResponse,
    ProxyRefusalError,
    ResponseTooLargeError,
    Transport,
    TransportError,
    TransportTimeoutError,
)

__all__ = [
    "MAX_RESPONSE_BYTES",
    "AutoTransport",
    "ByteStream",
    "Diversion",
    "HttpRequest",
    "HttpResponse",
    "LoopbackOnly",
    "ProxyRefusalError",
    "Refusal",
    "ResponseTooLargeError",
    "Transport",
    "TransportError",
    "TransportTimeoutError",
    "divert",
    "refuse_network",
]
