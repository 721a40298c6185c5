"""Writes a message as a stream: https://platform.claude.com/docs/en/build-with-claude/streaming

A chunk says a text or a thought as it comes; signatures, citations and blocks of other kinds are known only with the
last one. So blocks stay open until then: a signature is still a delta of its own block, and clients tell blocks apart
by their index. A block that nothing was said of before comes whole, behind the others.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import carried, own_native, replayed
from llmring_providers.hosting.anthropic.messages import VENDOR
from llmring_providers.hosting.anthropic.response import calls, end, error_document, head, usage_object
from llmring_providers.hosting.codec import HostedRequest, Stamp, StreamWriter, server_event

_SPOKEN = {"text": "text_delta", "thinking": "thinking_delta"}
"""Kinds of blocks that are said bit by bit, and their deltas."""
_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
}


class MessageStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:
        super().__init__()
        self._asked = asked
        self._stamp = stamp
        self._begun = False
        self._blocks: list[tuple[str, list[str]]] = []
        """The blocks that were begun: kind, and what was said in each."""

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        events = [] if self._begun else [self._start(chunk)]
        if chunk.reasoning:
            events += self._say("thinking", chunk.reasoning)
        if chunk.delta:
            events += self._say("text", chunk.delta)
        return events

    def _start(self, chunk: StreamChunk) -> bytes:
        self._begun = True
        usage = {**usage_object(chunk.usage, own_native(chunk, VENDOR)), "output_tokens": 0}
        message = {**head(chunk, self._asked, self._stamp), "usage": usage}
        return _event("message_start", message=message)

    def _say(self, kind: str, text: str) -> Iterator[bytes]:
        if not self._blocks or self._blocks[-1][0] != kind:
            self._blocks.append((kind, []))
            yield from self._begin(len(self._blocks) - 1, _EMPTY[kind])
        index = len(self._blocks) - 1
        self._blocks[index][1].append(text)
        yield _event("content_block_delta", index=index, delta={"type": _SPOKEN[kind], kind: text})

    def _begin(self, index: int, block: Any) -> Iterator[bytes]:
        yield _event("content_block_start", index=index, content_block=block)
        if index == 0:
            yield _event("ping")

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        native = own_native(chunk, VENDOR)
        events = list(self._remaining(replayed(native), chunk))
        usage = usage_object(chunk.usage, native)
        events.append(_event("message_delta", delta=end(chunk), usage=usage))
        return [*events, _event("message_stop")]

    def _remaining(self, replay: list[dict[str, Any]], chunk: StreamChunk) -> Iterator[bytes]:
        """Yield what the blocks lack that are open, their ends, and the blocks that nothing was said of."""
        spoken = [block for block in replay if block.get("type") in _SPOKEN and block.get(block["type"])]
        agrees = [(block["type"], block[block["type"]]) for block in spoken] == [
            (kind, "".join(pieces)) for kind, pieces in self._blocks
        ]
        signature = carried(chunk, VENDOR)
        for index, (kind, _) in enumerate(self._blocks):
            unsigned = {}
            if kind == "thinking":
                unsigned, signature = {"signature": signature or self._stamp.signature}, ""
            yield from _closing_deltas(index, spoken[index] if agrees else unsigned)
            yield _event("content_block_stop", index=index)
        if agrees and replay:
            rest = [block for block in replay if all(block is not said for said in spoken)]
        else:
            sealed = [{"type": "redacted_thinking", "data": signature}] if signature else []
            rest = sealed + calls(chunk, self._stamp)
        for index, block in enumerate(rest, len(self._blocks)):
            yield from self._whole(index, block)

    def _whole(self, index: int, block: dict[str, Any]) -> Iterator[bytes]:
        if block.get("type") != "tool_use":
            yield from self._begin(index, block)
        else:
            yield from self._begin(index, {**block, "input": {}})
            arguments = msgspec.json.encode(block.get("input") or {}).decode()
            for piece in ["", *self._stamp.pieces(arguments)]:
                delta = {"type": "input_json_delta", "partial_json": piece}
                yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)

    def _failure(self, error: LLMRingError) -> list[bytes]:
        return [server_event(error_document(error), "error")]


def _closing_deltas(index: int, block: dict[str, Any]) -> Iterator[bytes]:
    if signature := block.get("signature"):
        delta = {"type": "signature_delta", "signature": signature}
        yield _event("content_block_delta", index=index, delta=delta)
    for citation in block.get("citations") or ():
        delta = {"type": "citations_delta", "citation": citation}
        yield _event("content_block_delta", index=index, delta=delta)


def _event(kind: str, **fields: Any) -> bytes:
    return server_event({"type": kind, **fields}, kind)
