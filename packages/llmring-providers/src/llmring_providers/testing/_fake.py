"""A provider that gives scripted replies and keeps what it was asked."""

import copy
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

import msgspec
from llmring_types import ChunkCollector, LLMResponse, StreamChunk, collect

from llmring_providers._protocol import ChatCall
from llmring_providers.sim.transport import pause


class Hang:
    """The type of :data:`HANG`."""

    def __repr__(self) -> str:
        return "HANG"


HANG: Final = Hang()
"""A reply, or a part of one, that never comes: whoever waits for it has to be cancelled."""

T = TypeVar("T", LLMResponse, StreamChunk)

Part: TypeAlias = str | StreamChunk | Exception | Hang
Reply: TypeAlias = "Part | LLMResponse | Sequence[Part] | Callable[[ChatCall], Reply]"
"""The answer to a call.

A text, a whole response, an exception to be raised, or :data:`HANG`; a sequence of parts, which a stream
gives one by one; or a function of the call that returns one of these.
"""

_WORD = re.compile(r"\S+\s*|\s+")
_CLOSING = (
    "finish_reason",
    "usage",
    "tool_calls",
    "refusal",
    "provider_finish_reason",
    "provider_model",
    "response_id",
    "request_id",
    "native",
    "rate_limits",
    "parsed",
)


class FakeProvider:
    """Gives its replies in order, the last one again and again, without HTTP. It runs on asyncio and on trio.

    Args:
        replies: what calls are answered with; without any, "Hello".
        name: the first half of references to its models.

    Attributes:
        replies: what comes next; may be changed at any time.
        calls: what it was asked, in order, with the messages as they were at the moment of the call.
        streams: the streams that it gave, in order.
        cancelled: how many waits for :data:`HANG` were cancelled.
        closed: whether :meth:`aclose` was called.
    """

    def __init__(self, *replies: Reply, name: str = "fake") -> None:
        self.name = name
        self.calls: list[ChatCall] = []
        self.streams: list[FakeStream] = []
        self.cancelled = 0
        self.closed = False
        self.replies: list[Reply] = list(replies)

    async def chat(self, call: ChatCall) -> LLMResponse:
        reply = self._take(call)
        if isinstance(reply, LLMResponse):
            return _completed(reply, str(call.ref))
        return collect([await self._arrival(part) for part in _parts(reply, str(call.ref))])

    async def stream(self, call: ChatCall) -> "FakeStream":
        reply = self._take(call)
        if isinstance(reply, (Exception, Hang)):
            await self._arrival(reply)  # fails before there is a stream
        stream = FakeStream(str(call.ref), _parts(reply, str(call.ref)), self._arrival)
        self.streams.append(stream)
        return stream

    async def aclose(self) -> None:
        self.closed = True

    def _take(self, call: ChatCall) -> Reply:
        request = msgspec.structs.replace(call.request, messages=list(call.request.messages))
        self.calls.append(call._replace(request=request))
        reply: Reply = "Hello"
        if self.replies:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        while callable(reply):
            reply = reply(call)
        return reply

    async def _arrival(self, part: StreamChunk | Exception | Hang) -> StreamChunk:
        if isinstance(part, Exception):
            raise copy.copy(part)  # callers write into errors
        if isinstance(part, Hang):
            await self._hang()
        return part

    async def _hang(self) -> NoReturn:
        try:
            while True:
                await pause(math.inf)
        finally:
            self.cancelled += 1


class FakeStream:
    """A scripted stream.

    Attributes:
        finished: whether it was given back after its end.
        closed: whether it was closed before, or failed.
    """

    def __init__(
        self,
        model: str,
        parts: Iterable[StreamChunk | Exception | Hang],
        arrival: Callable[[StreamChunk | Exception | Hang], Awaitable[StreamChunk]],
    ) -> None:
        self.finished = False
        self.closed = False
        self._model = model
        self._parts = iter(parts)
        self._arrival = arrival
        self._collected = ChunkCollector()

    async def receive(self) -> Sequence[StreamChunk]:
        part = None if self.closed else next(self._parts, None)
        if part is None:
            return ()
        self.closed = isinstance(part, Exception)
        chunk = await self._arrival(part)
        self._collected.add(chunk)
        return (chunk,)

    def partial(self) -> StreamChunk:
        return _closing(self._collected.response(), self._model)

    async def finish(self) -> None:
        self.finished = True

    def close(self) -> None:
        self.closed = True


def _parts(reply: Reply, model: str) -> list[StreamChunk | Exception | Hang]:
    if isinstance(reply, LLMResponse):
        return [*_chunks(_completed(reply, model))]
    if isinstance(reply, (str, StreamChunk, Exception, Hang)):
        reply = (reply,)
    parts: list[StreamChunk | Exception | Hang] = []
    for part in reply if isinstance(reply, Sequence) else ():
        if isinstance(part, str):
            parts += (StreamChunk(delta=word, model=model) for word in _WORD.findall(part))
        else:
            parts.append(_own(part, model=model) if isinstance(part, StreamChunk) else part)
    if not parts or (isinstance(parts[-1], StreamChunk) and parts[-1].finish_reason is None):
        parts.append(StreamChunk(model=model, finish_reason="stop"))
    return parts


def _completed(response: LLMResponse, model: str) -> LLMResponse:
    finish = response.finish_reason or ("tool_calls" if response.tool_calls else "stop")
    return _own(response, model=model, finish_reason=finish)


def _own(said: T, **changed: Any) -> T:
    """Copy a part of the script: callers write the cost into its usage and add to its warnings."""
    return msgspec.structs.replace(
        said, usage=copy.copy(said.usage), warnings=copy.copy(said.warnings), **changed
    )


def _chunks(response: LLMResponse) -> Iterator[StreamChunk]:
    if response.reasoning:
        yield StreamChunk(reasoning=response.reasoning, model=response.model)
    for word in _WORD.findall(response.content):
        yield StreamChunk(delta=word, model=response.model)
    yield _closing(response, response.model)


def _closing(response: LLMResponse, model: str) -> StreamChunk:
    said = {name: getattr(response, name) for name in _CLOSING}
    return StreamChunk(model=model, warnings=response.warnings or None, **said)
