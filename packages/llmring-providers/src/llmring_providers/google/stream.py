"""The stream of an answer: whole answers of the same form, each with what came since the last.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
There is no terminal event: the answer is whole if the body ends after a ``finishReason``.
"""

from llmring_types import StreamChunk

from llmring_providers._adapter import WireRequest
from llmring_providers._protocol import ChatCall
from llmring_providers._sse import Event
from llmring_providers._stream import BaseStreamDecoder
from llmring_providers.google.framing import StreamSplitter
from llmring_providers.google.response import Gathered
from llmring_providers.google.wire import decode_reply


class GenerateStreamDecoder(BaseStreamDecoder):
    """Decodes one stream."""

    def __init__(self, call: ChatCall, wire: WireRequest) -> None:
        super().__init__(call, StreamSplitter())
        self._gathered = Gathered(call, wire)

    def partial(self) -> StreamChunk:
        return StreamChunk(**self._gathered.closing())

    def _take(self, event: Event, chunks: list[StreamChunk]) -> None:
        text, reasoning = self._gathered.take(decode_reply(event.data))
        if text or reasoning:
            chunks.append(StreamChunk(delta=text, model=self._model, reasoning=reasoning or None))

    def _last_without_terminal(self) -> StreamChunk | None:
        # Earlier models repeat the word in every event and usage may follow it, so only the body's end is the end.
        return self.partial() if self._gathered.over else None
