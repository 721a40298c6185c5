"""The stream of a chat answer: one JSON object per line, the last one with ``done: true``.

https://docs.ollama.com/api/streaming
"""

import msgspec
from llmring_types import StreamChunk

from llmring_providers._protocol import ChatCall
from llmring_providers._stream import BaseStreamDecoder, Event, LineSplitter
from llmring_providers.ollama.response import Gathered
from llmring_providers.ollama.wire import decode_lax_part, decode_part

_BLANKS = b" \t\r"
_BRACE = b"{"[0]


class LinesOrDocument:
    """Splits a body into lines, or takes one that is a single document, laid out over many, as one."""

    def __init__(self) -> None:
        self._lines = LineSplitter()
        self._document: list[bytes] | None = None
        self._begin: bytes | None = b""
        """The beginning, while its kind cannot be known: nothing, or the brace that may stand alone in its line."""

    def feed(self, data: bytes) -> list[Event]:
        if self._begin is not None:
            data = (self._begin + data).lstrip()
            after = data[1:].lstrip(_BLANKS)
            if not after and data[:1] in (b"", b"{"):
                self._begin = data[:1]
                return []
            self._begin = None
            if data.startswith(b"{") and after.startswith(b"\n"):
                self._document = []
        if self._document is None:
            return self._lines.feed(data)
        self._document.append(data)
        return []

    def rest(self) -> Event | None:
        if self._document is not None:
            return Event(b"", b"".join(self._document).strip())
        begin, self._begin = self._begin, None
        if begin:
            self._lines.feed(begin)
        return self._lines.rest()


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, LinesOrDocument())
        self._gathered = Gathered(call)

    def _gathered_chunk(self) -> StreamChunk:
        return StreamChunk(**self._gathered.closing())

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        data = event.data
        if data[0] != _BRACE:  # hosts that copy OpenAI's framing
            if not data.startswith(b"data:") or data.endswith(b"[DONE]"):
                return
            data = data.removeprefix(b"data:")
        try:
            part = decode_part(data)
        except msgspec.ValidationError:
            part = decode_lax_part(data)
        self._gathered.take(part)
        message = part.message
        if message is not None:
            text, thinking = message.content or "", message.thinking
            if thinking:
                chunks.append(StreamChunk(delta=text, model=self._model, reasoning=thinking))
            elif text:
                chunks.append(StreamChunk(delta=text, model=self._model))
        if part.done:
            self._gathered.check()
            self.done = True
            chunks.append(self._gathered_chunk())
