"""The stream of a chat answer: one JSON object per line, the last one with ``done: true``.

https://docs.ollama.com/api/streaming
"""

from llmring_types import StreamChunk

from llmring_providers._ndjson import LineSplitter
from llmring_providers._protocol import ChatCall
from llmring_providers._sse import Event
from llmring_providers._stream import BaseStreamDecoder
from llmring_providers.ollama.response import Gathered
from llmring_providers.ollama.wire import decode_part


class ChatStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall) -> None:
        super().__init__(call, LineSplitter())
        self._gathered = Gathered(call)

    def partial(self) -> StreamChunk:
        return StreamChunk(**self._gathered.closing())

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        part = decode_part(event.data)
        self._gathered.take(part)
        message = part.message
        if message is not None and (message.content or message.thinking):
            chunks.append(
                StreamChunk(
                    delta=message.content or "", model=self._model, reasoning=message.thinking or None
                )
            )
        if part.done:
            self.done = True
            chunks.append(self.partial())
