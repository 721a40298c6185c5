"""The stream of a message; its terminal event is ``message_stop``.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from typing import Any

import msgspec
from llmring_types import StreamChunk
from llmring_types.exceptions import StreamInterruptedError

from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._pieces import RESENT, join_arguments
from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BaseStreamDecoder, Event, EventsOrDocument
from llmring_providers.anthropic.errors import reported_error
from llmring_providers.anthropic.response import (
    call_of,
    finish_reason,
    is_plain,
    native_of,
    refusal_of,
    usage_of,
)
from llmring_providers.anthropic.tools import restore_fields
from llmring_providers.anthropic.wire import (
    Block,
    Delta,
    StreamEvent,
    WireMessage,
    WireUsage,
    decode_block,
    decode_event,
    decode_json,
    decode_lax_event,
    decode_lax_message,
    kind_of,
)

_READ = frozenset(
    {
        "content_block_delta",
        "content_block_start",
        "error",
        "message",
        "message_delta",
        "message_start",
        "message_stop",
    }
)


class _BlockSlot:
    """A content block as its pieces come."""

    def __init__(self, raw: msgspec.Raw) -> None:
        self.document: dict[str, Any] = decode_json(
            raw
        )  # now, for what is wrong with it is an error of this event
        self.block: Block = decode_block(raw)
        self.kind = "text_delta" if self.block.type == "text" else ""
        """The type of its deltas, where they are nothing but text."""
        self.pieces: list[str] = []
        self.resent = False
        """Once the arguments were read."""
        self.changes: dict[str, Any] = {}
        self.citations: list[Any] = []

    @property
    def plain(self) -> bool:
        return not self.citations and is_plain(self.block)

    def arguments(self) -> str:
        text, self.resent = join_arguments(self.pieces)
        return text or bytes(self.block.input).decode()

    def whole(self) -> dict[str, Any]:
        """The block as it would have come without streaming."""
        whole = self.document.copy()
        joined = "".join(self.pieces)
        if self.block.type == "text":
            whole["text"] = (self.block.text or "") + joined
        elif self.block.type == "thinking":
            whole["thinking"] = (self.block.thinking or "") + joined
        elif joined:
            try:
                whole["input"] = decode_json(self.arguments())
            except DECODE_ERRORS:  # cut by max_tokens
                whole["input"] = {}
        if self.citations:
            there = whole.get("citations")
            whole["citations"] = [*(there if isinstance(there, list) else ()), *self.citations]
        return whole | self.changes


class MessageStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, EventsOrDocument())
        self._slots: dict[int, _BlockSlot] = {}
        self._message = WireMessage()

    def _gathered_chunk(self) -> StreamChunk:
        slots = [slot for _, slot in sorted(self._slots.items())]
        made = [slot for slot in slots if slot.block.type == "tool_use"]
        calls = [call_of(slot.block, slot.arguments(), place) for place, slot in enumerate(made)]
        if calls:
            restore_fields(calls, self._call)
        replay = None
        if self.done and not all(slot.plain for slot in slots):  # half of a signed block is of no use
            replay = [slot.whole() for slot in slots]
        message = self._message
        word = message.stop_reason or ("end_turn" if self.done else None)
        return StreamChunk(
            model=self._model,
            finish_reason=finish_reason(word, called=bool(calls)),
            usage=usage_of(message.usage),
            tool_calls=calls or None,
            refusal=refusal_of(message),
            provider_finish_reason=message.stop_reason,
            provider_model=message.model,
            response_id=message.id,
            native=native_of(message, self._call, replay),
            warnings=[RESENT] if any(slot.resent for slot in made) else None,
        )

    def _place(self, index: float | str | None) -> int:
        """Return the place of a block; some hosts write it as text or with a point."""
        try:
            return int(index or 0)
        except ValueError as error:
            raise malformed(f"a block has the place {index!r}", self._call, error) from error

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        try:
            part = decode_event(event.data)
        except msgspec.ValidationError:
            if (kind_of(event.data) or event.name.decode("utf-8", "replace")) not in _READ:
                return  # of another shape than any event we know: nothing that we could read
            part = decode_lax_event(event.data)
        kind = part.type or event.name.decode("utf-8", "replace")
        if kind == "content_block_delta":
            place, delta = part.index, part.delta
            slot = self._slots.get(place) if type(place) is int else None
            if (
                slot is None
                or delta is None
                or slot.kind != delta.type
                or not delta.text
                or delta.thinking
                or delta.citation is not None
                or delta.signature is not None
            ):
                self._add(self._place(place), delta or Delta(), chunks)
            else:  # a piece of a text, as nearly every event: there is nothing else in it to look for
                slot.pieces.append(delta.text)
                chunks.append(StreamChunk(delta=delta.text, model=self._model))
        else:
            self._take_other(kind, part, event.data, chunks)

    def _take_other(self, kind: str, part: StreamEvent, data: bytes, chunks: list[StreamChunk]) -> None:
        """Read an event that is no piece of a block."""
        if kind == "content_block_start":
            self._start(self._place(part.index), part.content_block, chunks)
        elif kind == "message_start":
            self._begin(part.message or WireMessage(), chunks)
        elif kind == "message_delta":
            self._finish(part)
        elif kind == "message_stop":
            self._end(chunks)
        elif kind == "message":
            self._begin(decode_lax_message(data), chunks)
            self._end(chunks)
        elif kind == "error" or part.error:
            raise reported_error(part.error, self._call, request_id=part.request_id)

    def _begin(self, message: WireMessage, chunks: list[StreamChunk]) -> None:
        begun = self._message.id
        if begun and message.id and message.id != begun:
            raise StreamInterruptedError(
                "another answer begins within the stream: something between here and the model tried again",
                provider=self._call.ref.provider,
                model=self._call.ref.model,
            )
        self._message = message
        for index, raw in enumerate(message.blocks()):
            self._start(index, raw, chunks)

    def _start(self, index: int, raw: msgspec.Raw, chunks: list[StreamChunk]) -> None:
        slot = self._slots[index] = _BlockSlot(raw)
        block = slot.block
        if block.text or block.thinking:
            chunks.append(
                StreamChunk(delta=block.text or "", model=self._model, reasoning=block.thinking or None)
            )
        if block.type == "fallback" and isinstance(block.to, dict):
            # another model answers from here: https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback
            self._message.model = block.to.get("model") or self._message.model

    def _add(self, index: int, delta: Delta, chunks: list[StreamChunk]) -> None:
        slot = self._slots.get(index) or self._unannounced(index, delta)
        kind = slot.block.type
        if delta.text:  # on a block of another kind it is a text all the same, and none of the block
            if kind == "text":
                slot.pieces.append(delta.text)
            chunks.append(StreamChunk(delta=delta.text, model=self._model))
        if delta.thinking:
            if kind == "thinking":
                slot.pieces.append(delta.thinking)
            chunks.append(StreamChunk(model=self._model, reasoning=delta.thinking))
        if delta.partial_json and kind not in ("text", "thinking"):
            slot.pieces.append(delta.partial_json)
        if delta.signature is not None:
            slot.changes["signature"] = delta.signature
        elif delta.citation is not None:
            slot.citations.append(delta.citation)
        elif delta.type == "compaction_delta":
            slot.changes["content"] = delta.content
            if delta.encrypted_content is not None:
                slot.changes["encrypted_content"] = delta.encrypted_content

    def _unannounced(self, index: int, delta: Delta) -> _BlockSlot:
        """Begin a text or a thought whose beginning the host left out."""
        kind = "text" if delta.text is not None else "thinking" if delta.thinking is not None else None
        if kind is None:
            raise malformed(f"a piece of content block {index}, which has not been started", self._call)
        slot = self._slots[index] = _BlockSlot(msgspec.Raw(b'{"type":"%s","%s":""}' % ((kind.encode(),) * 2)))
        return slot

    def _finish(self, part: StreamEvent) -> None:
        """Counts here are totals and replace those of the start; what is left out stays."""
        message, delta = self._message, part.delta or Delta()
        message.stop_reason = delta.stop_reason or message.stop_reason
        message.stop_sequence = delta.stop_sequence or message.stop_sequence
        message.stop_details = delta.stop_details or message.stop_details
        message.container = delta.container or message.container
        message.context_management = part.context_management or message.context_management
        message.input_transformations = part.input_transformations or message.input_transformations
        if part.usage is not None:
            usage = message.usage = message.usage or WireUsage()
            said = part.usage
            counted = bool(
                said.input_tokens or said.cache_read_input_tokens or said.cache_creation_input_tokens
            )
            for name in WireUsage.__struct_fields__:
                count = getattr(said, name)
                # Some hosts end with zeros alone; where the input is counted again, a nought counts too.
                if count or (count is not None and (counted or not getattr(usage, name))):
                    setattr(usage, name, count)

    def _end(self, chunks: list[StreamChunk]) -> None:
        self.done = True
        chunks.append(self._gathered_chunk())
