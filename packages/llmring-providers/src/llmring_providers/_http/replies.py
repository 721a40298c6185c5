"""Replies of any protocol: streamed answers, errors and their bodies, ids of requests, keys out of sight."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

from llmring_types import RateLimits, StreamChunk
from llmring_types.exceptions import (
    LLMRingError,
    ProviderConnectionError,
    ProviderError,
    ProviderResponseTooLargeError,
    ProviderTimeoutError,
    ProxyAuthenticationError,
    StreamInterruptedError,
)
from llmring_types.hosts import HOSTS, Quirks

from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers.transport import (
    ByteStream,
    HttpResponse,
    ProxyRefusalError,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)
from llmring_providers.transport._protocol import without_credentials

_LONGEST_ERROR = 2**20
"""Bytes of an error's body that are read: what is longer says no more."""
_REDIRECTS = (301, 302, 303, 307, 308)
_REQUEST_ID = ("x-request-id", "request-id", "x-goog-request-id", "apim-request-id", "x-amzn-requestid")
_E = TypeVar("_E", bound=LLMRingError)
_SHORTEST_KEY = 6
"""The shortest key to hide. A shorter one is a stand-in where no key is needed, and may be a word of any message."""


class HttpStream:
    """A streamed answer over HTTP."""

    def __init__(
        self, reply: ByteStream, decoder: StreamDecoder, call: ChatCall, wire: WireRequest, key: str = ""
    ) -> None:
        self._reply = reply
        self._key = key
        self._decoder = decoder
        self._call = call
        self._warnings = list(wire.warnings)
        found = request_id(reply.headers)
        self._request_id = found and blotted(found, key)
        self._rate_limits = rate_limits(reply.headers, call.quirks)
        self._ended = False
        self._begun = False

    async def receive(self) -> Sequence[StreamChunk]:
        try:
            while not self._ended:
                if self._decoder.failure is not None:
                    self.close()
                    raise without_key(self._decoder.failure, self._key)
                if self._decoder.done:
                    break
                chunks = await self._next()
                if chunks:
                    chunks[0].rate_limits, self._rate_limits = self._rate_limits, None
                    self._begun = True
                    return chunks
                self._report_progress()
        except ProviderError as error:
            error.request_id = error.request_id or self._request_id
            raise
        self._ended = True
        return ()

    def _report_progress(self) -> None:
        """Report that something came, once the answer has begun: what comes before that is only a greeting."""
        if self._call.progress is not None:
            self._begun = self._begun or bool(self._decoder.partial().tool_calls)
            if self._begun:
                self._call.progress()

    async def _next(self) -> list[StreamChunk]:
        try:
            data = await self._reply.read()
        except TransportError as error:
            self.close()
            if isinstance(error, ResponseTooLargeError):
                raise too_large(error, self._call) from error
            if isinstance(error, TransportTimeoutError):
                raise timed_out(error, self._call) from error
            raise StreamInterruptedError(
                f"the connection broke in the middle of the stream ({error})",
                provider=self._call.ref.provider,
                model=self._call.ref.model,
                original=error,
            ) from error
        if data:
            chunks = self._decoder.feed(data)
        else:
            self._ended = True
            chunks = self._decoder.close()
        if (self._decoder.done or self._ended) and chunks:
            self._complete(chunks[-1])
        return chunks

    def _complete(self, last: StreamChunk) -> None:
        last.request_id = self._request_id
        if self._warnings:
            last.warnings = [*self._warnings, *(last.warnings or ())]

    def partial(self) -> StreamChunk:
        chunk = self._decoder.partial()
        self._complete(chunk)
        return chunk

    async def finish(self) -> None:
        await self._reply.finish()

    def close(self) -> None:
        self._ended = True
        self._reply.close()


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
    """Describe a redirect of the provider's address, in place of its body; ``None`` for any other answer.

    It is not followed: key and prompt would go to an address that is not configured.
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
    return text if len(key) < _SHORTEST_KEY else _forms(key).sub("***", text)


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
    plain = {key, quote(key, safe=""), in_json, in_json.replace("/", r"\/")}  # few encoders escape slashes
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
