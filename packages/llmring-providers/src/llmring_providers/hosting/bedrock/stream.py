"""Writes an answer as a stream of frames.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html

Blocks stay open until the last chunk, since signatures and citations are known only then: clients tell blocks apart by
their index. A block that nothing was said of before comes whole, behind the others.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers.bedrock.frames import frame
from llmring_providers.bedrock.messages import text_of
from llmring_providers.hosting.answering import carried, own_native, replayed
from llmring_providers.hosting.bedrock.messages import VENDOR
from llmring_providers.hosting.bedrock.response import (
    STATUSES,
    calls,
    metadata,
    name_and_text,
    stop,
)
from llmring_providers.hosting.codec import HostedRequest, Stamp, StreamWriter
from llmring_providers.hosting.failures import failure_of

_JSON = {":content-type": "application/json"}


class ConverseStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:  # noqa: ARG002 - a stream names no model
        super().__init__()
        self._stamp = stamp
        self._begun = False
        self._blocks: list[tuple[str, list[str]]] = []
        """The blocks that were begun: kind, and what was said in each."""

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        events = [] if self._begun else [_event("messageStart", {"role": "assistant"})]
        self._begun = True
        if chunk.reasoning:
            events.append(self._say("thought", chunk.reasoning))
        if chunk.delta:
            events.append(self._say("text", chunk.delta))
        return events

    def _say(self, kind: str, text: str) -> bytes:
        if not self._blocks or self._blocks[-1][0] != kind:
            self._blocks.append((kind, []))
        self._blocks[-1][1].append(text)
        delta = {"text": text} if kind == "text" else {"reasoningContent": {"text": text}}
        return _delta(len(self._blocks) - 1, delta)

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        replay = replayed(own_native(chunk, VENDOR))
        events = list(self._remaining(replay, chunk))
        return [*events, _event("messageStop", stop(chunk)), _event("metadata", metadata(chunk))]

    def _remaining(self, replay: list[dict[str, Any]], chunk: StreamChunk) -> Iterator[bytes]:
        """Yield what the open blocks lack, their ends, and the blocks that nothing was said of."""
        spoken = [block for block in replay if _said(block) is not None]
        agrees = [_said(block) for block in spoken] == [(kind, "".join(said)) for kind, said in self._blocks]
        signature = carried(chunk, VENDOR)
        for index, (kind, _) in enumerate(self._blocks):
            unsigned = ""
            if kind == "thought":
                unsigned, signature = signature or self._stamp.signature, ""
            yield from _closing(index, spoken[index] if agrees else None, unsigned)
        if agrees and replay:
            rest = [block for block in replay if all(block is not said for said in spoken)]
        else:
            sealed = [{"reasoningContent": {"redactedContent": signature}}] if signature else []
            rest = sealed + calls(chunk, self._stamp)
        for index, block in enumerate(rest, len(self._blocks)):
            yield from self._whole(index, block)

    def _whole(self, index: int, block: Mapping[str, Any]) -> Iterator[bytes]:
        if (use := block.get("toolUse")) is not None:
            start = {name: value for name, value in use.items() if name != "input"}
            yield _event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}})
            for piece in self._stamp.pieces(msgspec.json.encode(use.get("input") or {}).decode()):
                yield _delta(index, {"toolUse": {"input": piece}})
        elif (result := block.get("toolResult")) is not None:
            start = {name: value for name, value in result.items() if name != "content"}
            yield _event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolResult": start}})
            yield _delta(index, {"toolResult": result.get("content") or []})
        else:
            yield _delta(index, dict(block))
        yield _event("contentBlockStop", {"contentBlockIndex": index})

    def _failure(self, error: LLMRingError) -> list[bytes]:
        name, text = name_and_text(failure_of(error, STATUSES))
        headers = {":message-type": "exception", ":exception-type": name[:1].lower() + name[1:], **_JSON}
        return [frame(headers, msgspec.json.encode({"message": text}))]


def _said(block: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the kind of a block that is said bit by bit, and what it says."""
    if text := text_of(dict(block)):
        return "text", text
    thought = block.get("reasoningContent")
    readable = thought.get("reasoningText") if isinstance(thought, Mapping) else None
    read = readable.get("text") if isinstance(readable, Mapping) else None
    return ("thought", read) if read else None


def _closing(index: int, block: Mapping[str, Any] | None, unsigned: str) -> Iterator[bytes]:
    """Yield the signature and the citations of a block, and its end."""
    thought = (block or {}).get("reasoningContent", {})
    signature = unsigned if block is None else thought.get("reasoningText", {}).get("signature")
    if signature:
        yield _delta(index, {"reasoningContent": {"signature": signature}})
    for citation in (block or {}).get("citationsContent", {}).get("citations") or ():
        yield _delta(index, {"citation": citation})
    yield _event("contentBlockStop", {"contentBlockIndex": index})


def _delta(index: int, delta: Mapping[str, Any]) -> bytes:
    return _event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})


def _event(name: str, payload: Mapping[str, Any]) -> bytes:
    return frame({":event-type": name, **_JSON, ":message-type": "event"}, msgspec.json.encode(payload))
