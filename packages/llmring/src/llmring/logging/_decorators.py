"""The decorators."""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

from llmring._records import Ending
from llmring.logging._report import UNREADABLE, SdkCall, target_of
from llmring.logging._sdk import ChunkReader, detect_provider, normalize_response

P = ParamSpec("P")
R = TypeVar("R")
_Call = Callable[P, Coroutine[Any, Any, R]]
_Given = Callable[P, AsyncIterator[R]]
"""The usual return annotations of generator functions."""
_Stream = Callable[P, AsyncGenerator[R, None]]


def log_llm_call(  # noqa: PLR0917 - the documented API takes them by position
    server_url: str | None = None,
    api_key: str | None = None,
    provider: str = "auto",
    model: str | None = None,
    alias: str | None = None,
    log_metadata: bool = True,
    log_conversations: bool = False,
    origin: str = "llmring-decorator",
) -> Callable[[_Call[P, R]], _Call[P, R]]:
    """Report the usage of a coroutine function that returns an SDK's answer.

    Reports are delivered in the background and never touch the result; a script awaits :func:`flush` at its end.
    The messages are taken from an argument called ``messages``, ``contents``, ``input`` or ``prompt``, if
    there is one.

    Args:
        server_url: usage server; without it ``LLMRING_SERVER_URL``.
        api_key: its key; without it ``LLMRING_API_KEY``.
        provider: ``openai``, ``anthropic``, ``google``, ``ollama`` or another host, or ``auto`` to detect it.
        model: the model asked; without it the one that the answer names.
        alias: a name for the purpose, for the statistics.
        log_metadata: report tokens, cost and model.
        log_conversations: report messages and answers as well.
        origin: the application that asks.

    Raises:
        ConfigurationError: there is no server.
        TypeError: the function is not a coroutine function.
    """
    target = target_of(
        server_url,
        api_key,
        provider=provider,
        model=model,
        alias=alias,
        log_metadata=log_metadata,
        log_conversations=log_conversations,
        origin=origin,
    )

    def decorate(function: _Call[P, R]) -> _Call[P, R]:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"log_llm_call is for coroutine functions; {function!r} is not one")

        @functools.wraps(function)
        async def logged(*args: P.args, **kwargs: P.kwargs) -> R:
            call = SdkCall(target, function, args, kwargs)
            result = await function(*args, **kwargs)
            try:
                found = detect_provider(result, function) if provider == "auto" else provider
                call.ended("answered", normalize_response(result, found or "auto", model))
            except UNREADABLE as error:
                call.unreadable(error)
            return result

        return logged

    return decorate


def log_llm_stream(  # noqa: PLR0917 - as above
    server_url: str | None = None,
    api_key: str | None = None,
    provider: str = "auto",
    model: str | None = None,
    alias: str | None = None,
    log_metadata: bool = True,
    log_conversations: bool = False,
    origin: str = "llmring-decorator",
) -> Callable[[_Given[P, R]], _Stream[P, R]]:
    """Report the usage of an async generator function that yields an SDK's chunks or events.

    A stream that is left early is reported with what had arrived. Otherwise as :func:`log_llm_call`.

    Raises:
        ConfigurationError: there is no server.
        TypeError: the function is not an async generator function.
    """
    target = target_of(
        server_url,
        api_key,
        provider=provider,
        model=model,
        alias=alias,
        log_metadata=log_metadata,
        log_conversations=log_conversations,
        origin=origin,
    )

    def decorate(function: _Given[P, R]) -> _Stream[P, R]:
        if not inspect.isasyncgenfunction(function):
            raise TypeError(f"log_llm_stream is for async generator functions; {function!r} is not one")

        @functools.wraps(function)
        async def logged(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[R, None]:
            watched = _WatchedStream(SdkCall(target, function, args, kwargs), function, provider, model)
            stream = cast("AsyncGenerator[R, None]", function(*args, **kwargs))
            try:
                async for chunk in stream:
                    watched.add(chunk)
                    yield chunk
                watched.ended("answered")
            except Exception:
                watched.ended("failed")
                raise
            finally:
                watched.ended("aborted")
                await stream.aclose()

        return logged

    return decorate


class _WatchedStream:
    """The chunks of a decorated generator."""

    def __init__(
        self, call: SdkCall, function: Callable[..., object], provider: str, model: str | None
    ) -> None:
        self._call = call
        self._function = function
        self._provider = provider
        self._model = model
        self._reader: ChunkReader | None = None
        self._over = False

    def add(self, chunk: object) -> None:
        """Take a chunk."""
        if self._over:
            return
        self._call.first_chunk()
        try:
            if self._reader is None:
                found = detect_provider(chunk, self._function) if self._provider == "auto" else self._provider
                self._reader = ChunkReader(found or "unknown", self._model)
            self._reader.add(chunk)
        except UNREADABLE as error:
            self._over = True
            self._call.unreadable(error)

    def ended(self, ending: Ending) -> None:
        """Take the end; only the first one counts."""
        if self._over or self._reader is None:
            return
        self._over = True
        response = self._reader.response()
        if response is not None:
            self._call.ended(ending, response, streamed=True)
