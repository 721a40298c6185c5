"""What a provider answered with, whatever its protocol."""

from collections.abc import Mapping
from typing import TypeVar

from llmring_types.exceptions import LLMRingError

from llmring_providers.transport import ByteStream, HttpResponse, TransportError

_E = TypeVar("_E", bound=LLMRingError)
_REQUEST_ID = ("x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid")
_SHORTEST_KEY = 6
"""What is shorter is a stand-in where no key is needed, and may be a word of any message."""


def without_key(error: _E, key: str) -> _E:
    """Blot out the key, which some hosts repeat when they refuse it."""
    if len(key) >= _SHORTEST_KEY and key in error.message:
        error.message = error.message.replace(key, "***")
        error.args = (error.message,)
    return error


async def whole(reply: ByteStream) -> HttpResponse:
    """Read the body of an error, or what comes of it: the status says more than a broken connection."""
    pieces: list[bytes] = []
    try:
        while piece := await reply.read():
            pieces.append(piece)
        await reply.finish()
    except TransportError:
        pass
    finally:
        reply.close()
    return HttpResponse(reply.status, reply.headers, b"".join(pieces))


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's id of a request, from the headers of the answer."""
    for name in _REQUEST_ID:
        value = headers.get(name)
        if value:
            return value
    return None
