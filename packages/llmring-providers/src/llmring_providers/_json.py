"""JSON in and out. A request that cannot be written, or an answer that is none, becomes one of our errors.

Answers that are almost JSON are repaired where their meaning is plain, with a warning: servers in Python write ``NaN``
and ``Infinity``, gateways in JavaScript cut a stream within a UTF-16 pair, some hosts put a byte order mark before a
body, stream although they were not asked to, or end a document as they end a stream. Only what a strict reader refuses
is repaired, so it costs nothing otherwise.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from llmring_types import LLMResponse, StreamChunk, collect
from llmring_types.exceptions import MalformedResponseError, StreamInterruptedError, UnsupportedContentError

from llmring_providers._protocol import ChatCall, StreamDecoder

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on bytes that are not the expected JSON."""

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_SHORT = 8192
"""Bytes that are searched sooner than it is found out whether they have to be."""
REPAIRED = "the answer was not valid JSON: it was read as far as its meaning is plain"
STREAMED = "the host streamed although a whole answer was asked for"
_BOM = b"\xef\xbb\xbf"
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_DONE = re.compile(rb"\s*data:\s*\[DONE\]\s*\Z")
_STREAM = re.compile(rb"\s*(?:data:|event:|id:|retry:|:|\[)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?Infinity|-?NaN', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_SURROGATES, _STAND_INS = 0xD800, 0x10F800
"""Half a pair is no character, so one of the last private-use characters stands for it until both are there."""
_HALVES = re.compile("([\U0010f800-\U0010fbff])([\U0010fc00-\U0010ffff])|[\U0010f800-\U0010ffff]")
_HIGH = re.compile("[\U0010f800-\U0010fbff]\\Z")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def encode_body(body: Mapping[str, Any], call: ChatCall, *, plain: bool = False) -> bytes:
    """Write a request body.

    Args:
        body: the request in the form of the protocol.
        call: of the body.
        plain: each message is nothing but a role and a text, so that none can hold a number.

    Raises:
        UnsupportedContentError: it holds what JSON has no place for: a lone surrogate, NaN, an object, a cycle.
    """
    try:
        written = _encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedContentError(
            f"the request cannot be written as JSON: {error}",
            provider=call.ref.provider,
            part="body",
            original=error,
        ) from error
    searched = len(written) < _SHORT or _may_hold_numbers(call, plain=plain)
    if searched and b"null" in written and has_endless(body):  # which the encoder writes as null
        raise UnsupportedContentError(
            "the request cannot be written as JSON: it holds NaN or an infinity",
            provider=call.ref.provider,
            part="body",
        )
    return written


def _may_hold_numbers(call: ChatCall, *, plain: bool) -> bool:
    """Return whether the user gave numbers other than counts, so that a long body need not be searched for nothing."""
    request = call.request
    if request.extra_params or request.tools or request.response_format or request.cache or request.metadata:
        return True
    if any(map(is_endless, (request.temperature, request.max_tokens, request.reasoning_tokens))):
        return True
    return not plain and any(
        type(each.content) is not str or each.metadata or each.tool_calls for each in request.messages
    )


def has_endless(value: Any) -> bool:
    """Return whether NaN or an infinity stands somewhere in it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif is_endless(each):
            return True
    return False


def is_endless(value: Any) -> bool:
    """Return whether it is NaN or an infinity."""
    return isinstance(value, float) and not math.isfinite(value)


def decoder_of(kind: type[_T]) -> Callable[[bytes | msgspec.Raw], _T]:
    """Return a decoder of a wire form; where a number or a truth value of it comes as text, it is read all the same.

    Some hosts write counts as ``"12"``. Only what is not of the form is read twice.
    """
    strict = msgspec.json.Decoder(kind).decode
    lax = msgspec.json.Decoder(kind, strict=False).decode

    def decode(body: bytes | msgspec.Raw) -> _T:
        try:
            return strict(body)
        except msgspec.ValidationError as error:
            try:
                return lax(body)
            except msgspec.ValidationError:
                raise error from None

    return decode


def malformed(what: str, call: ChatCall, error: Exception | None = None) -> MalformedResponseError:
    """Build the error for an answer that is not what the protocol says."""
    return MalformedResponseError(
        f"{what}: {error}" if error is not None else what,
        provider=call.ref.provider,
        model=call.ref.model,
        original=error,
    )


def web_page(body: bytes, call: ChatCall) -> MalformedResponseError | None:
    """Build the error for a web page in the place of an answer: a wrong base URL often leads to one."""
    if not body[:64].lstrip().startswith(b"<"):
        return None
    title = _TITLE.search(body)
    words = " ".join(title[1].decode("utf-8", "replace").split()) if title is not None else ""
    return malformed(
        f"a web page came as the answer{words and f' ({words[:200]})'}; check the base URL", call
    )


def reread(
    error: MalformedResponseError,
    decode: Callable[[bytes], LLMResponse],
    decoder: Callable[[], StreamDecoder],
    body: bytes,
    call: ChatCall,
) -> LLMResponse:
    """Decode what stands in the place of a whole answer.

    Args:
        error: of its decoding.
        decode: decodes a whole answer.
        decoder: makes a decoder of a stream.
        body: the answer.
        call: that it answers.

    Raises:
        MalformedResponseError: nothing can be made of it.
        ProviderError: it is an error.
    """
    if (page := web_page(body, call)) is not None:
        raise page from None
    if _STREAM.match(body.removeprefix(_BOM)):
        return _collected(decoder(), body, error)
    fixed = repaired(body)
    if fixed == body:
        raise error
    response = decode(fixed)
    mend(response)
    response.warnings.append(REPAIRED)
    return response


def _collected(decoder: StreamDecoder, body: bytes, malformed: MalformedResponseError) -> LLMResponse:
    chunks = decoder.feed(body)
    try:
        chunks += decoder.close()
    except StreamInterruptedError:
        if chunks or not body.removeprefix(_BOM).lstrip().startswith(b"["):
            raise
        raise malformed from None  # an array of something else
    response = collect(chunks)
    response.warnings = [STREAMED, *response.warnings]
    return response


def repaired(data: bytes) -> bytes:
    """Return JSON with what a strict reader refuses replaced; the same where nothing is to be replaced."""
    data = _DONE.sub(b"", data.removeprefix(_BOM))
    if b"NaN" in data or b"Infinity" in data or b"\\ud" in data or b"\\uD" in data:
        data = _TOKEN.sub(_plain_token, data)
    return data


def _plain_token(found: re.Match[bytes]) -> bytes:
    token = found[0]
    if token[:1] != b'"':
        return b"null"
    return _ESCAPE.sub(_plain_escape, token) if b"\\u" in token else token


def _plain_escape(found: re.Match[bytes]) -> bytes:
    half = found[1]
    return found[0] if half is None else chr(int(half, 16) - _SURROGATES + _STAND_INS).encode()


def mended(value: Any) -> Any:
    """Return a JSON value in which halves that meet are one character, and those that are left are U+FFFD."""
    if isinstance(value, str):
        return _HALVES.sub(_character, value)
    if isinstance(value, list):
        return [mended(inner) for inner in value]
    if isinstance(value, dict):
        return {mended(name): mended(inner) for name, inner in value.items()}
    return value


def _character(found: re.Match[str]) -> str:
    if found[1] is None:
        return _REPLACEMENT
    high, low = ord(found[1]) - _STAND_INS, ord(found[2]) - _STAND_INS - 0x400
    return chr(0x10000 + (high << 10) + low)


def mend(answer: LLMResponse | StreamChunk) -> None:
    """Mend everything that an answer, or the last chunk of one, says."""
    if isinstance(answer, LLMResponse):
        answer.content = mended(answer.content)
        answer.reasoning, answer.refusal = mended(answer.reasoning), mended(answer.refusal)
    answer.tool_calls, answer.native = mended(answer.tool_calls), mended(answer.native)


class Halves:
    """Puts characters together whose halves come in two chunks of a stream."""

    def __init__(self) -> None:
        self._waiting = {"delta": "", "reasoning": ""}

    def mend(self, chunks: list[StreamChunk], *, last: bool) -> None:
        """Mend chunks in place; half a character at the end of one waits for the next."""
        for place, chunk in enumerate(chunks):
            ends = last and place == len(chunks) - 1
            chunk.delta = self._text("delta", chunk.delta, ends=ends)
            chunk.reasoning = self._text("reasoning", chunk.reasoning or "", ends=ends) or None
            chunk.refusal = mended(chunk.refusal)
            mend(chunk)

    def _text(self, kind: str, text: str, *, ends: bool) -> str:
        if not text and not ends:
            return text
        text = self._waiting[kind] + text
        half = None if ends else _HIGH.search(text)
        self._waiting[kind] = half[0] if half is not None else ""
        return str(mended(text[: half.start()] if half is not None else text))
