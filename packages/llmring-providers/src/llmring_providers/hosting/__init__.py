"""The host's side of the protocols: requests read, answers written. The exact inverse of the adapters.

:func:`find_route` tells which endpoint a request is for; the codec of its protocol then reads the body and writes the
answer, the stream or the error. Nothing here does I/O, so a gateway, the simulator and tests use the same codecs.
"""

from collections.abc import Mapping

from llmring_providers.hosting.anthropic import ANTHROPIC
from llmring_providers.hosting.bedrock import BEDROCK
from llmring_providers.hosting.codec import (
    Codec,
    ErrorAnswer,
    HostedRequest,
    Operation,
    ProtocolName,
    Route,
    Stamp,
    StreamWriter,
)
from llmring_providers.hosting.gemini import GEMINI
from llmring_providers.hosting.ollama import OLLAMA
from llmring_providers.hosting.openai import OPENAI_CHAT, OPENAI_RESPONSES

__all__ = [
    "CODECS",
    "Codec",
    "ErrorAnswer",
    "HostedRequest",
    "Operation",
    "ProtocolName",
    "Route",
    "Stamp",
    "StreamWriter",
    "find_route",
]

CODECS: Mapping[ProtocolName, Codec] = {
    codec.name: codec for codec in (BEDROCK, GEMINI, ANTHROPIC, OLLAMA, OPENAI_RESPONSES, OPENAI_CHAT)
}
"""By name. Where two protocols share a path, the first one that knows the headers takes it."""


def find_route(method: str, target: str, headers: Mapping[str, str]) -> Route | None:
    """Return the endpoint that a request is for, or ``None`` where no protocol has it.

    Args:
        method: of HTTP, in capitals.
        target: path and query, or a whole URL. What precedes the known end of the path does not matter.
        headers: with names in lower case.
    """
    routes = (codec.route(method, target, headers) for codec in CODECS.values())
    return next((route for route in routes if route is not None), None)
