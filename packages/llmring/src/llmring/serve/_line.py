"""The line between a worker of a gateway and its supervisor: messages over a socket pair, which ends with either."""

import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import anyio
import msgspec
from anyio.abc import UNIXSocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from llmring._tasks import task_group
from llmring.serve._live import EndedCall, LiveCall
from llmring.serve._metrics import Figures

LENGTH = 4
"""Bytes before each message: its length."""
_T = TypeVar("_T")


class Ready(msgspec.Struct, frozen=True, tag=True):
    """A worker answers requests."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """A worker cannot start, and ends."""

    problem: str


class Leaving(msgspec.Struct, frozen=True, tag=True):
    """A worker is about to end, and takes no more connections than those on their way to it."""


class Load(msgspec.Struct, frozen=True, tag=True):
    """Connections of a worker: those taken since its start, and those open."""

    taken: int = 0
    open: int = 0


class News(msgspec.Struct, frozen=True, tag=True):
    """The figures and the ended calls of a worker since its last news."""

    figures: Figures
    ended: Sequence[EndedCall]


class State(msgspec.Struct, frozen=True, tag=True):
    """A worker at this moment: requests and calls under way."""

    calls: int = 0
    under_way: Sequence[LiveCall] = ()


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A worker asks for the total of all."""

    number: int


class Get(msgspec.Struct, frozen=True, tag=True):
    """A worker asks for a value that all share."""

    number: int
    name: str


class Put(msgspec.Struct, frozen=True, tag=True):
    """A worker keeps a value for all, or removes it, and waits until that is done."""

    number: int
    name: str
    value: bytes | None


class Total(msgspec.Struct, frozen=True, tag=True):
    """Everything about all workers."""

    number: int
    workers: int
    calls: int
    figures: Figures
    under_way: Sequence[LiveCall]
    ended: Sequence[EndedCall]


class Value(msgspec.Struct, frozen=True, tag=True):
    """A value that all share."""

    number: int
    value: bytes | None


class Look(msgspec.Struct, frozen=True, tag=True):
    """The supervisor asks for news and state."""


class End(msgspec.Struct, frozen=True, tag=True):
    """A worker shall end: once its calls have, or now."""

    now: bool = False


FromWorker = Ready | Failed | Leaving | Load | News | State | Ask | Get | Put
FromSupervisor = Total | Value | Look | End


class Line(Generic[_T]):
    """One end of a link. What is sent waits in memory: a cancelled sender never leaves half a message behind.

    Args:
        messages: the type of those that come.
    """

    def __init__(self, messages: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[_T] = msgspec.msgpack.Decoder(messages)
        self._waiting: deque[bytes] = deque()
        self._more = anyio.Event()
        self._sent = anyio.Event()

    @property
    def is_idle(self) -> bool:
        """Everything was handed to the other side."""
        return not self._waiting

    def send(self, message: FromWorker | FromSupervisor) -> None:
        """Send a message soon, after those before it."""
        try:
            body = msgspec.msgpack.encode(message)
        except UnicodeEncodeError:
            body = msgspec.msgpack.encode(_encodable(msgspec.to_builtins(message)))
        self._waiting.append(framed(body))
        self._more.set()

    async def run(self, end: socket.socket, handle: Callable[[_T], None]) -> None:
        """Send, and hand on what comes, until the other side is gone."""
        end.setblocking(False)
        async with await UNIXSocketStream.from_socket(end) as stream, task_group() as group:
            group.start_soon(self._write, stream)
            source = BufferedByteReceiveStream(stream)
            try:
                while True:
                    length = int.from_bytes(await source.receive_exactly(LENGTH))
                    handle(self._decoder.decode(await source.receive_exactly(length)))
            except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError, msgspec.DecodeError):
                # It has ended, or was started from another version, which came with an upgrade meanwhile.
                group.cancel_scope.cancel()

    async def _write(self, stream: UNIXSocketStream) -> None:
        while True:
            await self._more.wait()
            self._more = anyio.Event()
            try:
                while self._waiting:
                    await stream.send(self._waiting[0])
                    self._waiting.popleft()
            except anyio.BrokenResourceError:  # the other side is gone, which the reader notices, too
                return
            self._sent.set()

    async def sent(self) -> None:
        """Wait until everything was handed to the other side."""
        while self._waiting:
            self._sent = anyio.Event()
            await self._sent.wait()


def framed(body: bytes) -> bytes:
    """Return a message with its length before it."""
    return len(body).to_bytes(LENGTH) + body


def _encodable(value: Any) -> Any:
    """Return a value without halves of surrogate pairs: texts of errors may have them, from names of files."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list | tuple):
        return type(value)(map(_encodable, value))
    if isinstance(value, dict):
        return {_encodable(name): _encodable(each) for name, each in value.items()}
    return value
