"""Writes a response as a stream: https://platform.openai.com/docs/api-reference/responses-streaming

A chunk says a text or a thought as it comes; encrypted reasoning, annotations and items of other kinds are known only
with the last one. So items stay open until then, and are closed by the events that clients take the whole item from.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from llmring_types import StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers.hosting.answering import carried, own_native, replayed
from llmring_providers.hosting.codec import HostedRequest, Stamp, StreamWriter, server_event
from llmring_providers.hosting.openai.errors import error_object
from llmring_providers.hosting.openai.responses_items import VENDOR, text_of
from llmring_providers.hosting.openai.responses_response import (
    Item,
    call_items,
    ended,
    head,
    message_item,
    reasoning_item,
    text_part,
)

_EVENTS = {
    "text": "response.output_text",
    "refusal": "response.refusal",
    "reasoning": "response.reasoning_summary_text",
}


class _Part:
    """A part of an item, as it is said."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.pieces: list[str] = []

    def whole(self) -> dict[str, Any]:
        text = "".join(self.pieces)
        if self.kind == "text":
            return text_part(text)
        return (
            {"type": "refusal", "refusal": text}
            if self.kind == "refusal"
            else {"type": "summary_text", "text": text}
        )


class _Open:
    """An item that is being said: a thought, or a message of a text and a refusal."""

    def __init__(self, index: int, *, reasoning: bool) -> None:
        self.index = index
        self.reasoning = reasoning
        self.parts: list[_Part] = []

    def item(self, stamp: Stamp) -> Item:
        parts = [part.whole() for part in self.parts]
        if self.reasoning:
            return {**reasoning_item("", stamp, self.index), "summary": parts}
        return message_item(parts, stamp, self.index)


class ResponsesStreamWriter(StreamWriter):
    """Writes one stream."""

    def __init__(self, asked: HostedRequest, stamp: Stamp) -> None:
        super().__init__()
        self._asked = asked
        self._stamp = stamp
        self._head: dict[str, Any] = {}
        self._number = 0
        self._open: list[_Open] = []

    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        events: list[bytes] = []
        if not self._head:
            self._head = head(chunk, self._asked, self._stamp)
            events += [
                self._event(f"response.{word}", response=self._head) for word in ("created", "in_progress")
            ]
        if chunk.reasoning:
            events += self._say("reasoning", chunk.reasoning)
        text, refusal = chunk.delta, chunk.refusal if chunk.delta else None
        if refusal and text.endswith(refusal):
            text = text[: -len(refusal)]
        if text:
            events += self._say("text", text)
        if refusal:
            events += self._say("refusal", refusal)
        return events

    def _say(self, kind: str, text: str) -> Iterator[bytes]:
        reasoning = kind == "reasoning"
        if not self._open or self._open[-1].reasoning is not reasoning:
            self._open.append(_Open(len(self._open), reasoning=reasoning))
            begun = {**self._open[-1].item(self._stamp), "status": "in_progress"}
            yield self._event("response.output_item.added", output_index=self._open[-1].index, item=begun)
        here = self._open[-1]
        if not here.parts or here.parts[-1].kind != kind:
            here.parts.append(_Part(kind))
            yield self._event(f"{_part_event(here)}.added", **self._place(here), part=here.parts[-1].whole())
        here.parts[-1].pieces.append(text)
        yield self._event(f"{_EVENTS[kind]}.delta", **self._place(here), **_logprobs(kind), delta=text)

    def _place(self, here: _Open, part: int = -1) -> dict[str, Any]:
        index = part if part >= 0 else len(here.parts) - 1
        return {
            "item_id": here.item(self._stamp)["id"],
            "output_index": here.index,
            "summary_index" if here.reasoning else "content_index": index,
        }

    def _end(self, chunk: StreamChunk) -> list[bytes]:
        output = replayed(own_native(chunk, VENDOR, "responses"))
        spoken = [item for item in output if item.get("type") in ("message", "reasoning") and text_of(item)]
        said = [here.item(self._stamp) for here in self._open]
        if not output or list(map(text_of, spoken)) != list(map(text_of, said)):
            sealed = self._seal(said, carried(chunk, VENDOR, "responses"))
            spoken, output = said, [*sealed, *said, *call_items(chunk, self._stamp)]
            if not output:
                output = [message_item([text_part("")], self._stamp, 0)]
        events = [
            event for here, item in zip(self._open, spoken, strict=True) for event in self._close(here, item)
        ]
        rest = [item for item in output if all(item is not known for known in spoken)]
        for index, item in enumerate(rest, len(self._open)):
            events += self._whole(index, item)
        self._head["model"] = chunk.provider_model or self._head["model"]
        response = {**self._head, **ended(chunk, output)}
        status = response["status"] if response["status"] in ("incomplete", "failed") else "completed"
        return [*events, self._event(f"response.{status}", response=response)]

    def _seal(self, said: list[Item], signature: str) -> list[Item]:
        """Put what another vendor wants back into the first thought; without any, return an item for it."""
        if not signature:
            return []
        for item in said:
            if item["type"] == "reasoning":
                item["encrypted_content"] = signature
                return []
        return [{**reasoning_item(None, self._stamp, len(said)), "encrypted_content": signature}]

    def _close(self, here: _Open, item: Item) -> Iterator[bytes]:
        for index, part in enumerate(here.parts):
            place, text = self._place(here, index), "".join(part.pieces)
            name = "refusal" if part.kind == "refusal" else "text"
            yield self._event(f"{_EVENTS[part.kind]}.done", **place, **_logprobs(part.kind), **{name: text})
            yield self._event(f"{_part_event(here)}.done", **place, part=part.whole())
        yield self._event("response.output_item.done", output_index=here.index, item=item)

    def _whole(self, index: int, item: Item) -> Iterator[bytes]:
        """Yield the events of an item that nothing was said of before."""
        call = item.get("type") == "function_call"
        begun = {**item, "arguments": "", "status": "in_progress"} if call else item
        yield self._event("response.output_item.added", output_index=index, item=begun)
        if call:
            place = {"item_id": item.get("id"), "output_index": index}
            for piece in self._stamp.pieces(item["arguments"]):
                yield self._event("response.function_call_arguments.delta", **place, delta=piece)
            done = {"name": item.get("name"), "arguments": item["arguments"]}
            yield self._event("response.function_call_arguments.done", **place, **done)
        yield self._event("response.output_item.done", output_index=index, item=item)

    def _event(self, kind: str, **fields: Any) -> bytes:
        event = server_event({"type": kind, "sequence_number": self._number, **fields}, kind)
        self._number += 1
        return event

    def _failure(self, error: LLMRingError) -> list[bytes]:
        said = error_object(error)
        flat = {name: said[name] for name in ("code", "message", "param")}
        return [self._event("error", **flat, error=said)]


def _part_event(here: _Open) -> str:
    return "response.reasoning_summary_part" if here.reasoning else "response.content_part"


def _logprobs(kind: str) -> Mapping[str, Any]:
    return {"logprobs": []} if kind == "text" else {}
