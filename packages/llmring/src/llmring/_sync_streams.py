"""Streams for code without ``await``: the ring's loop reads them, this thread iterates."""

from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeAlias, TypeVar

from llmring_types import LLMResponse, Parsed, StreamChunk

from llmring._stream import ChatStream

if TYPE_CHECKING:
    from llmring.tools import Run, RunStream, ToolResult

T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)
Event: TypeAlias = "StreamChunk | ToolResult"


class _AsyncStream(Protocol[Item_co]):
    async def __anext__(self) -> Item_co: ...

    async def aclose(self) -> None: ...


class Runs(Protocol):
    """A loop in another thread."""

    def run(self, func: Callable[..., Awaitable[T]]) -> T:
        """Run an async function to its end."""


class SyncStream(Iterator[Item_co]):
    """A stream of the loop as an iterator."""

    def __init__(self, stream: _AsyncStream[Item_co], loop: Runs) -> None:
        self._stream = stream
        self._loop = loop

    def __next__(self) -> Item_co:
        try:
            return self._loop.run(self._stream.__anext__)
        except StopAsyncIteration:
            raise StopIteration from None

    def close(self) -> None:
        """Close the connection; what has not been read is lost. Safe at any time and more than once."""
        self._loop.run(self._stream.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SyncChatStream(SyncStream[StreamChunk], Generic[Parsed]):
    """An answer in chunks: ``for chunk in ring.chat_stream(request)``, as :class:`ChatStream`.

    Leaving the loop early closes the connection, as does leaving ``with``, or :meth:`close`.
    """

    _stream: ChatStream[Parsed]

    def __init__(self, stream: ChatStream[Parsed], loop: Runs) -> None:
        super().__init__(stream, loop)

    def __next__(self) -> StreamChunk:
        chunk = self._stream.next_ready()
        # Most chunks come several at a time: no need to ask the loop for each.
        return super().__next__() if chunk is None else chunk

    def start(self) -> Self:
        """As :meth:`ChatStream.start`."""
        self._loop.run(self._stream.start)
        return self

    def text(self) -> Iterator[str]:
        """Yield the text alone, in pieces that are never empty, as :meth:`ChatStream.text`."""
        with self:
            for chunk in self:
                if chunk.delta:
                    yield chunk.delta

    @property
    def response(self) -> LLMResponse[Parsed] | None:
        """The whole answer; ``None`` until the last chunk has come."""
        return self._stream.response


class SyncRunStream(SyncStream[Event], Generic[Parsed]):
    """A run in pieces: ``for event in ring.run_stream(request, tools=…)``, as :class:`llmring.tools.RunStream`.

    What tools have done when it is closed stays done.
    """

    _stream: "RunStream[Parsed]"

    def __init__(self, stream: "RunStream[Parsed]", loop: Runs) -> None:
        super().__init__(stream, loop)

    @property
    def trace(self) -> "Run[Parsed]":
        """The trace so far; whole after the last event."""
        return self._stream.trace
