"""Answers of any protocol: the body of an error, the id of a request."""

from collections.abc import Mapping

from llmring_types.exceptions import ProviderResponseTooLargeError

from llmring_providers._protocol import ChatCall
from llmring_providers.transport import ByteStream, HttpResponse, ResponseTooLargeError, TransportError

_REQUEST_ID = ("x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid")


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


def too_large(error: ResponseTooLargeError, call: ChatCall) -> ProviderResponseTooLargeError:
    """Translate what a transport raises for an answer that is larger than the request allows."""
    return ProviderResponseTooLargeError(
        f"{error}; set a larger limit if such an answer is meant",
        limit=error.limit,
        provider=call.ref.provider,
        model=call.ref.model,
        status_code=error.status,
        request_id=request_id(error.headers),
        original=error,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the provider's id of a request, from the headers of the answer."""
    for name in _REQUEST_ID:
        value = headers.get(name)
        if value:
            return value
    return None
