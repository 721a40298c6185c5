"""Answers that are not quite what the protocol says, read where their meaning is plain; a warning tells of it.

Servers in Python write ``NaN`` and ``Infinity``, gateways in JavaScript cut a stream within a UTF-16 pair, some hosts
put a byte order mark before a body, stream although they were not asked to, or end a document as they end a stream.
Only what a strict reader refuses comes here, so it costs nothing otherwise.
"""

import re
from collections.abc import Callable
from typing import Any

from llmring_types import LLMResponse, StreamChunk, collect
from llmring_types.exceptions import MalformedResponseError, StreamInterruptedError

from llmring_providers._adapter import StreamDecoder

REPAIRED = "the answer was not valid JSON: it was read as far as its meaning is plain"
STREAMED = "the host streamed although a whole answer was asked for"

_BOM = b"\xef\xbb\xbf"
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


def read_whole(
    decode: Callable[[bytes], LLMResponse], decoder: Callable[[], StreamDecoder], body: bytes
) -> LLMResponse:
    """Decode a whole answer, or what stands in its place.

    Raises:
        MalformedResponseError: nothing can be made of it.
        ProviderError: it is an error.
    """
    try:
        return decode(body)
    except MalformedResponseError as error:
        if _STREAM.match(body.removeprefix(_BOM)):
            return _collected(decoder(), body, error)
        fixed = repaired(body)
        if fixed == body:
            raise
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
