"""Replies of any protocol: errors and their bodies, ids of requests, billing beside the tokens, keys out of sight."""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

from llmring_types import RateLimits, Usage
from llmring_types.exceptions import (
    LLMRingError,
    ProviderConnectionError,
    ProviderError,
    ProviderResponseTooLargeError,
    ProviderTimeoutError,
    ProxyAuthenticationError,
)
from llmring_types.hosts import HOSTS, Quirks

from llmring_providers._protocol import ChatCall
from llmring_providers.transport import (
    ByteStream,
    HttpResponse,
    ProxyRefusalError,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)
from llmring_providers.transport._protocol import without_credentials

_STANDARD = frozenset({"default", "auto", "standard", "on_demand"})
_ABSURD = 1e6
"""US dollars that no single call costs."""


_LONGEST_ERROR = 2**20
"""No more of an error's body is read: what is longer says no more."""
_REDIRECTS = (301, 302, 303, 307, 308)
_REQUEST_ID = ("x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid")
_E = TypeVar("_E", bound=LLMRingError)
_SHORTEST_KEY = 6
"""The shortest key to hide. A shorter one is a stand-in where no key is needed, and may be a word of any message."""
_BLOT = "***"


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
    if isinstance(error, TransportTimeoutError):
        return timed_out(error, call)
    return ProviderConnectionError(
        f"no answer from {error}; {_check_address(call.ref.provider, without_credentials(base_url))}",
        provider=call.ref.provider,
        model=call.ref.model,
        sent=error.sent,
        original=error,
    )


def _check_address(provider: str, base_url: str) -> str:
    """Return what to look at where nothing answers."""
    host = HOSTS.get(provider)
    if host is not None and host.local:
        return f"is {host.title} running? Its base URL is {base_url}"
    return f"check the network and the base URL {base_url}"


def timed_out(error: TransportTimeoutError, call: ChatCall) -> ProviderTimeoutError:
    """Translate what a transport raises when a time limit of the user's own HTTP client has passed."""
    return ProviderTimeoutError(str(error), provider=call.ref.provider, model=call.ref.model, original=error)


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


def rate_limits(headers: Mapping[str, str], quirks: Quirks | None) -> RateLimits | None:
    """Return the rate limits that an answer states, if any."""
    if quirks is None or not quirks.limit_headers:
        for name in _LIMITS:
            if name in headers:
                break
        else:
            return None
    from llmring_providers._http.limits import stated_limits  # noqa: PLC0415 - the first answer pays for it

    return stated_limits(headers, quirks)


_LIMITS = (
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
    "anthropic-ratelimit-requests-limit",
    "anthropic-ratelimit-tokens-limit",
    "retry-after",
)


def redirection(reply: HttpResponse, base_url: str) -> bytes | None:
    """Describe a redirect, in place of its body; ``None`` for any other answer.

    It is not followed: key and prompt would go to an address that is not configured.

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
    if type(value) is int or value is None:
        return value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return int(value) if isinstance(value, float) and math.isfinite(value) else None


def counts_beside_cache(
    *, given: int | None, made: int | None, read: int | None, written: int | None
) -> dict[str, int]:
    """Return token counts in the neutral keys, where a vendor counts its cache beside the fresh input.

    Args:
        given: fresh tokens of the input; what the cache read and wrote is added to them.
        made: tokens of the output.
        read: tokens that the cache had.
        written: tokens that it took.
    """
    counts: dict[str, int] = {}
    if given is not None:
        counts["prompt_tokens"] = given + (read or 0) + (written or 0)
    if made is not None:
        counts["completion_tokens"] = made
    if given is not None and made is not None:
        counts["total_tokens"] = counts["prompt_tokens"] + made
    if read is not None:
        counts["cache_read_input_tokens"] = read
    if written is not None:
        counts["cache_creation_input_tokens"] = written
    return counts


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


def without_key(error: _E, key: str) -> _E:
    """Blot the key out of an error: of its text, its code, its ids, its details and what it stands for."""
    if len(key) < _SHORTEST_KEY:
        return error
    error.__traceback__ = None  # frames that have read the answer hold it as it came
    error.message = blotted(error.message, key)
    error.args = (error.message,)
    error.details = _deep(error.details, key)
    if error.original is not None:
        error.original.__traceback__ = None
        if _forms(key).search(str(error.original)):
            error.original = None
    if isinstance(error, ProviderError):
        error.code = error.code and blotted(error.code, key)
        error.request_id = error.request_id and blotted(error.request_id, key)
    return error


def blotted(text: str, key: str) -> str:
    """Return the text without the key: as it is, percent-encoded, JSON in text, or within anything in base64."""
    return text if len(key) < _SHORTEST_KEY else _forms(key).sub(_BLOT, text)


def _deep(value: Any, key: str) -> Any:
    if isinstance(value, str):
        return blotted(value, key)
    if isinstance(value, dict):
        return {_deep(name, key): _deep(inner, key) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_deep(inner, key) for inner in value]
    return value


@lru_cache(16)
def _forms(key: str) -> re.Pattern[str]:
    in_json = key.replace("\\", r"\\").replace('"', r"\"")
    plain = {
        key,
        quote(key, safe=""),
        in_json,
        in_json.replace("/", r"\/"),
    }  # not every encoder escapes slashes
    coded = {form for skipped in range(3) for form in _base64_forms(key.encode(), skipped)}
    whole = (rf"[\w+/=-]*{re.escape(form)}[\w+/=-]*" for form in sorted(coded, key=len, reverse=True))
    return re.compile("|".join((*map(re.escape, sorted(plain, key=len, reverse=True)), *whole)))


def _base64_forms(key: bytes, skipped: int) -> tuple[str, str]:
    """Return the letters that base64 has for the key, whatever comes before and after it.

    Args:
        key: the key.
        skipped: bytes before it, modulo three; letters that they or what follows share with the key are left out.
    """
    import base64  # noqa: PLC0415 - only where a key has to be looked for

    start = (skipped * 8 + 5) // 6
    end = (skipped + len(key)) * 8 // 6
    return (
        base64.b64encode(bytes(skipped) + key)[start:end].decode(),
        base64.urlsafe_b64encode(bytes(skipped) + key)[start:end].decode(),
    )
