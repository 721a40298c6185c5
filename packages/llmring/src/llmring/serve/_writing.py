"""Answers as a codec writes them, whatever letters a provider has sent.

JSON may hold half of a surrogate pair as an escape, which is no text in UTF-8 (RFC 8259, section 8.2). Such a half is
passed on as U+FFFD: the rest of the answer is worth having.
"""

from typing import Any, TypeVar

import msgspec
from llmring_providers.hosting import Codec, HostedRequest, Stamp, StreamWriter
from llmring_types import LLMResponse, StreamChunk

T = TypeVar("T", LLMResponse, StreamChunk)

_TEXTS = (
    "reasoning",
    "refusal",
    "tool_calls",
    "native",
    "provider_finish_reason",
    "provider_model",
    "response_id",
)


def write_whole(codec: Codec, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
    """Return a whole answer."""
    try:
        return codec.write(response, asked, stamp)
    except UnicodeEncodeError:
        return codec.write(_mended(response, "content"), asked, stamp)


def write_chunk(writer: StreamWriter, chunk: StreamChunk) -> list[bytes]:
    """Return the events of a chunk. It is looked at before: a writer that fails midway has lost its place."""
    if chunk.finish_reason is not None:
        if not _is_writable(chunk):
            chunk = _mended(chunk, "delta")
    elif not chunk.delta.isascii() or chunk.reasoning is not None:
        try:
            chunk.delta.encode()
            (chunk.reasoning or "").encode()
        except UnicodeEncodeError:
            chunk = _mended(chunk, "delta")
    return writer.write(chunk)


def _is_writable(chunk: StreamChunk) -> bool:
    try:
        msgspec.json.encode(msgspec.structs.replace(chunk, parsed=None))
    except UnicodeEncodeError:
        return False
    return True


def _mended(answer: T, content: str) -> T:
    fields = {name: _text(getattr(answer, name)) for name in (content, *_TEXTS)}
    return msgspec.structs.replace(answer, **fields)


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_text(name): _text(inner) for name, inner in value.items()}
    return [_text(inner) for inner in value] if isinstance(value, list) else value
