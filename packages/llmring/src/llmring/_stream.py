"""The stream that users iterate over."""

from collections.abc import AsyncGenerator, Callable, Sequence
from types import TracebackType
from typing import Generic, NamedTuple, Protocol, Self

from llmring_providers import ProviderStream
from llmring_types import Attempt, ChunkCollector, LLMResponse, Parsed, StreamChunk
from llmring_types.exceptions import LLMRingError, ProviderError, ProviderTimeoutError, StreamInterruptedError

from llmring._failover import Permit
from llmring._routing import Candidate
from llmring._runtime import LoopHandle, TimeLimitError, within


class Opened(NamedTuple):
    """A stream whose first chunks have come; from here on nothing fails over.

    Attributes:
        stream: the provider's.
        chunks: the first ones, not handed out yet.
        candidate: who answers.
        permit: the dollars set aside for it, if any.
        attempts: what was tried, the one that answers last.
        started: when this candidate was asked, by the clock of failover.
        chunk_timeout: seconds between two chunks; ``None`` for no limit.
    """

    stream: ProviderStream
    chunks: Sequence[StreamChunk]
    candidate: Candidate
    permit: Permit | None
    attempts: list[Attempt]
    started: float
    chunk_timeout: float | None = None


class StreamOwner(Protocol):
    """The opener of a stream, which is notified of its end."""

    async def open(self) -> Opened:
        """Try the candidates and return the open stream."""

    async def complete(self, response: LLMResponse, opened: Opened) -> None:
        """Complete the whole answer (cost, parsed JSON) before the last chunk is handed out."""

    def fail(self, error: LLMRingError, opened: Opened) -> None:
        """Record an error in the middle of the stream, and put the attempts on it."""

    def abandon(self, partial: Callable[[], LLMResponse], opened: Opened) -> None:
        """Record that nobody reads on in a stream that was alive; ``partial`` joins what has come."""


class ChatStream(Generic[Parsed]):
    """An answer in chunks: ``async for chunk in ring.chat_stream(request)``.

    Leaving the loop early closes the connection at once. A stream that a variable holds may still be read on: leaving
    ``async with``, or :meth:`aclose`, closes it; a reader that waits in another task then gets a
    :class:`StreamInterruptedError`. One task reads at a time, a second one gets a ``RuntimeError``. :attr:`response` is
    the whole answer once the last chunk has come.

    Args:
        owner: opens the stream at the first chunk, and completes the answer at the last.
    """

    def __init__(self, owner: StreamOwner) -> None:
        self._owner = owner
        self._opened: Opened | None = None
        self._pending: list[StreamChunk] = []
        self._collector = ChunkCollector()
        self._response: LLMResponse[Parsed] | None = None
        self._loop: LoopHandle | None = None
        self._reading = False
        self._over = False
        self._refused: LLMRingError | None = None
        """The error of opening it, which every further read gets again."""
        self._told = False
        """The owner knows how the stream ended."""

    @property
    def response(self) -> LLMResponse[Parsed] | None:
        """The whole answer, as the same call without streaming gives it; ``None`` until the last chunk has come."""
        return self._response

    @property
    def attempts(self) -> Sequence[Attempt]:
        """Every member of the pool tried or skipped, once the first chunk has come; the last one answers."""
        return () if self._opened is None else self._opened.attempts

    async def start(self) -> Self:
        """Wait for the first chunk, which is kept for who iterates: the errors of :meth:`LLMRing.chat` come here.

        ``stream = await ring.chat_stream(request).start()``, before a web application sends its status. A stream that
        has been started is as it was.
        """
        if self._opened is None and (not self._over or self._refused is not None):
            await self._fill()
        return self

    async def text(self) -> AsyncGenerator[str]:
        """Yield the text alone, in pieces that are never empty: ``async for text in stream.text()``.

        Leaving the loop early closes the connection once the generator is closed, as :func:`contextlib.aclosing` does.
        """
        async with self:
            async for chunk in self:
                if chunk.delta:
                    yield chunk.delta

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamChunk:
        if not self._pending:
            await self._fill()
        chunk = self._pending.pop()
        if chunk.finish_reason is not None and self._opened is not None:
            await self._complete(chunk, self._opened)
        return chunk

    def next_ready(self) -> StreamChunk | None:
        """Return the next chunk if it is there already and not the last one, whatever loop or thread asks."""
        pending = self._pending
        return pending.pop() if pending and pending[-1].finish_reason is None else None

    async def aclose(self) -> None:
        """Close the connection; what has not been read is lost. Safe at any time and more than once."""
        self._abandon()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._abandon()

    def __del__(self) -> None:
        if self._loop is not None:  # garbage is collected in whichever thread comes to it
            self._loop.run(self._abandon)

    def _abandon(self) -> None:
        self._over = True
        opened = self._opened
        if opened is None:
            return
        opened.stream.close()
        if not self._told:
            self._told = True
            self._owner.abandon(lambda: self._gathered(opened), opened)
        self._pending.clear()

    async def _fill(self) -> None:
        if self._over:
            raise self._refused or StopAsyncIteration
        if self._reading:
            raise RuntimeError("this stream is being read already: it has one reader at a time")
        self._reading = True
        try:
            chunks = await self._next_chunks()
        except BaseException as error:
            if self._opened is None and isinstance(error, LLMRingError):
                self._refused = error
            self._abandon()
            raise
        finally:
            self._reading = False
        if not chunks:
            self._over = True
            raise StopAsyncIteration
        self._collector.add(*chunks)
        self._pending = list(reversed(chunks))

    async def _next_chunks(self) -> Sequence[StreamChunk]:
        opened = self._opened
        if opened is None:
            self._loop = LoopHandle()
            self._opened = await self._owner.open()
            return self._opened.chunks
        if self._response is not None:
            await opened.stream.finish()
            return ()
        try:
            chunks = await within(opened.chunk_timeout, opened.stream.receive(), movable=True)
        except TimeLimitError:
            raise self._explained(self._stalled(opened), opened) from None
        except LLMRingError as error:
            raise self._explained(error, opened) from error.original
        if not chunks:
            raise self._explained(self._cut(opened), opened)
        return chunks

    async def _complete(self, last: StreamChunk, opened: Opened) -> None:
        response = self._collector.response()
        response.attempts = opened.attempts
        self._told = self._reading = True
        try:
            await self._owner.complete(response, opened)
        except LLMRingError as error:
            self._abandon()
            self._owner.fail(error, opened)
            raise
        except BaseException:  # the caller left while a long answer was checked
            self._told = False
            self._abandon()
            raise
        finally:
            self._reading = False
        last.usage, last.parsed = response.usage, response.parsed
        last.attempts, last.warnings = response.attempts, response.warnings or None
        self._response = response

    def _explained(self, error: LLMRingError, opened: Opened) -> LLMRingError:
        """Add to an error what had come before it."""
        if isinstance(error, ProviderError):
            error.partial = self._gathered(opened)
            error.partial.finish_reason = None
        if self._told:
            # Somebody closed the stream while the next chunk was awaited: that is not a failure of the model.
            error.attempts = tuple(opened.attempts)
            return error
        self._told = True
        self._owner.fail(error, opened)
        return error

    def _gathered(self, opened: Opened) -> LLMResponse:
        """Join all that has come, handed out or not."""
        self._collector.add(opened.stream.partial())
        return self._collector.response()

    def _stalled(self, opened: Opened) -> ProviderTimeoutError:
        ref = opened.candidate.ref
        return ProviderTimeoutError(
            f"{ref} sent nothing more for {opened.chunk_timeout:g} s in the middle of the stream",
            provider=ref.provider,
            model=ref.model,
            timeout=opened.chunk_timeout,
        )

    @staticmethod
    def _cut(opened: Opened) -> StreamInterruptedError:
        ref = opened.candidate.ref
        return StreamInterruptedError(
            "the stream ended before the model had finished: what came is not the whole answer",
            provider=ref.provider,
            model=ref.model,
        )
