"""Answers of any protocol: the body of an error, the id of a request, charges beside the tokens."""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from llmring_types import Usage
from llmring_types.exceptions import (
    ProviderConnectionError,
    ProviderError,
    ProviderResponseTooLargeError,
    ProxyAuthenticationError,
)

from llmring_providers._protocol import ChatCall
from llmring_providers.transport import (
    ByteStream,
    HttpResponse,
    ProxyRefusalError,
    ResponseTooLargeError,
    TransportError,
)
from llmring_providers.transport._protocol import without_credentials

_STANDARD = frozenset({"default", "auto", "standard", "on_demand"})
_ABSURD = 1e6
"""US dollars that no single call costs."""


_LONGEST_ERROR = 2**20
"""No more of an error's body is read: what is longer says no more."""
_REDIRECTS = (301, 302, 303, 307, 308)
_REQUEST_ID = ("x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid")


async def whole(reply: ByteStream) -> HttpResponse:
    """Read the body of an error, or what comes of it: the status says more than a broken connection."""
    pieces: list[bytes] = []
    left = _LONGEST_ERROR
    try:
        while left > 0 and (piece := await reply.read()):
            pieces.append(piece)
            left -= len(piece)
        if left > 0:
            await reply.finish()
    except TransportError:
        pass
    finally:
        reply.close()
    return HttpResponse(reply.status, reply.headers, b"".join(pieces))


def unanswered(error: TransportError, call: ChatCall, base_url: str) -> ProviderError:
    """Translate what a transport raises where there is no answer, or one that is not read."""
    if isinstance(error, ResponseTooLargeError):
        return too_large(error, call)
    if isinstance(error, ProxyRefusalError):
        return ProxyAuthenticationError(
            str(error),
            provider=call.ref.provider,
            model=call.ref.model,
            status_code=407,
            sent=error.sent,
            original=error,
        )
    return ProviderConnectionError(
        f"no answer from {error}; check the network and the base URL {without_credentials(base_url)}",
        provider=call.ref.provider,
        model=call.ref.model,
        sent=error.sent,
        original=error,
    )


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


def redirection(reply: HttpResponse, base_url: str) -> bytes | None:
    """Describe a redirect, in place of its body; ``None`` for any other answer.

    It is not followed: key and prompt would go where nobody has configured it.

    Args:
        reply: the answer.
        base_url: the provider's.
    """
    target = reply.headers.get("location") if reply.status in _REDIRECTS else None
    if not target:
        return None
    try:
        target = without_credentials(urljoin(f"{base_url}/", target).partition("#")[0])
    except ValueError:  # a bracket that is not closed, say
        target = "an address that is none"
    text = (
        f"{without_credentials(base_url)} redirects to {target} (HTTP status {reply.status}), which is not followed; "
        "if that is the right address, correct the base URL"
    )
    return text.encode()


def count_of(value: object) -> int | None:
    """Return a count of tokens, however absurd; ``None`` for what is no number. The answer is worth more than it.

    Some hosts write ``12.0``, and some ``"12"``, as the JSON form of Protocol Buffers does with long integers:
    https://protobuf.dev/programming-guides/json/
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return int(value) if isinstance(value, float) and math.isfinite(value) else None


def add_billing(
    usage: Usage | None, *, tier: Any = None, searches: Any = None, cost: Any = None
) -> Usage | None:
    """Write into the usage what is billed otherwise than tokens at the standard price.

    Args:
        usage: the counts; ``None`` stays ``None``.
        tier: the service tier that the provider names, in its own spelling.
        searches: the searches that the provider ran.
        cost: US dollars that the provider itself charges.
    """
    if usage is None:
        return None
    if isinstance(tier, str) and tier and tier.lower() not in _STANDARD:
        usage["service_tier"] = tier.lower()
    if searches is not None and (count := count_of(searches) or 0) > 0:
        usage["web_searches"] = count
    if type(cost) in (int, float) and math.isfinite(cost) and 0 <= cost < _ABSURD:
        usage["reported_cost"] = float(cost)
    return usage
