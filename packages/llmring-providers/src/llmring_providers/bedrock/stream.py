"""The stream of an answer: it ends with ``messageStop`` and ``metadata``, and is cut without either.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
"""

import base64
from typing import Any

from llmring_types import StreamChunk

from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._pieces import RESENT, join_arguments
from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BaseStreamDecoder, Event
from llmring_providers.bedrock.errors import reported_error
from llmring_providers.bedrock.frames import DAMAGE, ERROR, EXCEPTION, FrameSplitter
from llmring_providers.bedrock.response import (
    finish_reason,
    model_of,
    native_of,
    read_blocks,
    usage_of,
)
from llmring_providers.bedrock.wire import (
    BlockEvent,
    Delta,
    Ending,
    ReasoningDelta,
    decode_block,
    decode_ending,
    decode_json,
)


class _BlockSlot:
    """A content block as its pieces come."""

    def __init__(self, start: dict[str, Any] | None = None) -> None:
        self.start = start or {}
        self.text: list[str] = []
        self.thought: list[str] = []
        self.signature: list[str] = []
        self.redacted: list[str] = []
        self.arguments: list[str] = []
        self.citations: list[Any] = []
        self.results: list[Any] = []
        self.image: dict[str, Any] = {}

    def whole(self) -> tuple[dict[str, Any], bool]:
        """Return the block as it would have come without streaming, and whether its arguments came more than once."""
        if (use := self.start.get("toolUse")) is not None:
            text, resent = join_arguments(self.arguments)
            return {"toolUse": {**use, "input": text}}, resent
        if self.results:
            return {"toolResult": {**self.start.get("toolResult", {}), "content": self.results}}, False
        if self.image:
            return {"image": {**self.start.get("image", {}), **self.image}}, False
        return self._thought() or self._said(), False

    def _thought(self) -> dict[str, Any] | None:
        if self.thought or self.signature:
            said = {"text": "".join(self.thought)}
            if self.signature:
                said["signature"] = "".join(self.signature)
            return {"reasoningContent": {"reasoningText": said}}
        if self.redacted:
            return {"reasoningContent": {"redactedContent": _joined(self.redacted)}}
        return None

    def _said(self) -> dict[str, Any]:
        text = "".join(self.text)
        if self.citations:
            return {"citationsContent": {"content": [{"text": text}], "citations": self.citations}}
        return {"text": text}


def _joined(pieces: list[str]) -> str:
    """Return base64 that came in pieces, each of which may have its own padding."""
    try:
        return base64.b64encode(b"".join(map(base64.b64decode, pieces))).decode()
    except ValueError:
        return "".join(pieces)


class ConverseStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, FrameSplitter())
        self._slots: dict[int, _BlockSlot] = {}
        self._ending = Ending()
        self._counted = False

    def _gathered_chunk(self) -> StreamChunk:
        built = [slot.whole() for _, slot in sorted(self._slots.items())]
        content = read_blocks(block for block, _ in built)
        ending = self._ending
        word = ending.stop_reason
        return StreamChunk(
            model=self._model,
            finish_reason=finish_reason(word, called=bool(content.calls)),
            usage=usage_of(ending),
            tool_calls=content.calls or None,
            provider_finish_reason=word,
            provider_model=model_of(ending),
            native=native_of(ending, self._call, content.replay if self.done else None),
            warnings=[RESENT] if any(resent for _, resent in built) else None,
        )

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        name = event.name
        if name == b"contentBlockDelta":
            part = decode_block(event.data)
            self._add(part, part.delta or Delta(), chunks)
        elif name == b"contentBlockStart":
            part = decode_block(event.data)
            self._slots[part.content_block_index] = _BlockSlot(part.start)
        elif name in (b"messageStop", b"metadata"):
            self._end(name, decode_ending(event.data), chunks)
        elif name.startswith(DAMAGE):
            raise malformed(f"a frame of the stream is damaged: {event.data.decode()}", self._call)
        elif name.startswith(ERROR):
            text = event.data.decode("utf-8", "replace")
            raise reported_error(text, self._call, name=name.decode("utf-8", "replace").lstrip("!"))
        elif name.startswith(EXCEPTION):
            raise reported_error(
                _said(event.data), self._call, name=name.decode("utf-8", "replace").lstrip("!")
            )

    def _add(self, part: BlockEvent, delta: Delta, chunks: list[StreamChunk]) -> None:
        slot = self._slots.get(part.content_block_index)
        if slot is None:
            slot = self._slots[part.content_block_index] = _BlockSlot()
        if delta.text:
            slot.text.append(delta.text)
            chunks.append(StreamChunk(delta=delta.text, model=self._model))
        if delta.tool_use is not None and delta.tool_use.input:
            slot.arguments.append(delta.tool_use.input)
        if delta.reasoning_content is not None:
            self._think(slot, delta.reasoning_content, chunks)
        if delta.citation is not None:
            slot.citations.append(delta.citation)
        if isinstance(delta.tool_result, list):
            slot.results += delta.tool_result
        if isinstance(delta.image, dict):
            slot.image |= delta.image

    def _think(self, slot: _BlockSlot, delta: ReasoningDelta, chunks: list[StreamChunk]) -> None:
        if delta.text:
            slot.thought.append(delta.text)
            chunks.append(StreamChunk(model=self._model, reasoning=delta.text))
        if delta.signature:
            slot.signature.append(delta.signature)
        if delta.redacted_content:
            slot.redacted.append(delta.redacted_content)

    def _end(self, name: bytes, part: Ending, chunks: list[StreamChunk]) -> None:
        """Take one of the two last events, in either order."""
        ending = self._ending
        for field in Ending.__struct_fields__:
            if (value := getattr(part, field)) is not None:
                setattr(ending, field, value)
        self._counted = self._counted or name == b"metadata"
        if ending.stop_reason is not None and self._counted:
            self.done = True
            chunks.append(self._gathered_chunk())


def _said(data: bytes) -> Any:
    try:
        return decode_json(data)
    except DECODE_ERRORS:
        return data.decode("utf-8", "replace")
