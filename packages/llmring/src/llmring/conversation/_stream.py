"""An answer of a conversation in chunks."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self

from llmring_types import LLMResponse, Message, Parsed, StreamChunk

from llmring._stream import ChatStream

if TYPE_CHECKING:
    from llmring.tools import RunStream


class ConversationStream(Generic[Parsed]):
    """An answer in chunks: ``async for chunk in conversation.stream("Hello")``.

    The question and the answer are kept once the last chunk has come; of a stream that is left or that breaks off,
    nothing is.

    Args:
        stream: of one answer, or of a run of tools.
        keep: takes what was said, with the answers, once.
        sent: the messages at the beginning of a run that the conversation has already.
    """

    def __init__(
        self,
        stream: "ChatStream[Parsed] | RunStream[Parsed]",
        keep: Callable[[Sequence[Message], Sequence[LLMResponse[Parsed]]], None],
        *,
        sent: int = 0,
    ) -> None:
        self._stream = stream
        self._keep = keep
        self._sent = sent
        self._response: LLMResponse[Parsed] | None = None
        self._ahead: StreamChunk | None = None
        self._over = False

    @property
    def response(self) -> LLMResponse[Parsed] | None:
        """The whole answer, the last of a run; ``None`` until the last chunk has come."""
        return self._response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamChunk:
        chunk = await self._next() if self._ahead is None else self._ahead
        self._ahead = None
        if chunk is None:
            raise StopAsyncIteration
        if chunk.finish_reason is not None and not chunk.tool_calls and self._response is None:
            self._ahead = await self._next()  # a run knows that it is over when it is asked for more
        return chunk

    async def _next(self) -> StreamChunk | None:
        """Return the next chunk; keep the exchange where it was the last."""
        stream = self._stream
        if isinstance(stream, ChatStream):
            chunk = await anext(stream, None)
            if stream.response is not None:
                self._finish([stream.response.to_message()], [stream.response])
            return chunk
        if self._over:
            return None
        self._over = True  # also where it breaks off: what had come of it is not kept
        async for event in stream:
            if isinstance(event, StreamChunk):
                self._over = False
                return event
        self._finish(stream.trace.messages[self._sent :], stream.trace.responses)
        return None

    def _finish(self, messages: Sequence[Message], responses: Sequence[LLMResponse[Parsed]]) -> None:
        if self._response is None:
            self._response = responses[-1]
            self._keep(messages, responses)

    async def aclose(self) -> None:
        """Close the connection; nothing of this exchange is kept."""
        self._over = True
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
