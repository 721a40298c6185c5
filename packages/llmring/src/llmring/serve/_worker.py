"""A worker of a gateway: a process that answers requests, and shares figures and sessions with the other ones."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import NamedTuple

import anyio
import msgspec
from anyio.abc import UNIXSocketStream
from llmring_types.exceptions import ProviderOverloadedError

from llmring._tasks import task_group
from llmring.serve._line import (
    LENGTH,
    Ask,
    End,
    Failed,
    FromSupervisor,
    Get,
    Leaving,
    Line,
    Load,
    Look,
    News,
    Put,
    Ready,
    State,
    Total,
    Value,
    framed,
)
from llmring.serve._live import LiveCalls
from llmring.serve._metrics import Metrics

_REPORT_S = 0.1
"""Seconds between reports: what a worker that is killed has counted since the last one is lost."""
_PATIENCE_S = 3.0


class Overview(NamedTuple):
    """A gateway at this moment, as people and Prometheus see it; of all its workers together.

    Attributes:
        metrics: since the start.
        live: calls.
        calls: requests under way.
        workers: processes that answer.
    """

    metrics: Metrics
    live: LiveCalls
    calls: int
    workers: int = 1


class Worker:
    """This process as a worker of a gateway, with the sockets that its supervisor has passed on to it.

    Args:
        link: the number of the socket to the supervisor.
        arrivals: the number of the socket over which the supervisor hands on connections.

    Attributes:
        setup: bytes that the supervisor was given for its workers.

    Raises:
        EOFError: the supervisor is gone.
    """

    def __init__(self, link: int, arrivals: int) -> None:
        self._link = socket.socket(fileno=link)
        self._arrivals = socket.socket(fileno=arrivals)
        for each in (self._link, self._arrivals):  # a program that a tool starts must not keep them open
            each.set_inheritable(False)
        self.setup = self._received(int.from_bytes(self._received(LENGTH)))
        self._line: Line[FromSupervisor] = Line(FromSupervisor)
        self._metrics, self._live = Metrics(), LiveCalls()
        self._calls: Callable[[], int] = int
        self._connections: Callable[[], int] = int
        self._taken = 0
        self._reported = Load()
        self._numbers = count()
        self._asked: dict[int, _Question] = {}

    def _received(self, size: int) -> bytes:
        found = self._link.recv(size, socket.MSG_WAITALL)
        if len(found) < size:
            raise EOFError("the supervisor of this worker is gone")
        return found

    def fail(self, problem: str) -> None:
        """Report why this worker cannot start. It ends then."""
        self._link.sendall(framed(msgspec.msgpack.encode(Failed(problem))))

    def attach(self, metrics: Metrics, live: LiveCalls, calls: Callable[[], int]) -> None:
        """Report what a gateway counts; the figures that were reported are taken out of its own.

        Args:
            metrics: its figures.
            live: its calls.
            calls: returns how many requests are under way.
        """
        self._metrics, self._live, self._calls = metrics, live, calls

    async def follow(self, end: Callable[[bool], None], connections: Callable[[], int]) -> None:
        """Report to the supervisor and answer it, as long as it lives.

        Args:
            end: called when the worker shall end, with ``True`` for at once; also when the supervisor is gone.
            connections: returns how many are open.
        """
        async with task_group() as group:
            self._connections = connections
            group.start_soon(self._report)
            await self._line.run(self._link, lambda message: self._obey(message, end))
            end(False)
            group.cancel_scope.cancel()

    async def connections(self) -> AsyncIterator[socket.socket]:
        """Yield the connections that the supervisor hands on, until it hands on no more."""
        self._line.send(Ready())
        self._arrivals.setblocking(False)
        async with await UNIXSocketStream.from_socket(self._arrivals) as stream:
            while True:
                try:
                    _, numbers = await stream.receive_fds(1, 1)
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                for number in numbers:
                    yield socket.socket(fileno=number)
                    self._taken += 1

    def leave(self) -> None:
        """Have the supervisor hand on no more connections."""
        self._line.send(Leaving())

    async def finish(self) -> None:
        """Hand over the last figures."""
        self._send_news()
        with anyio.move_on_after(_PATIENCE_S):
            await self._line.sent()

    async def overview(self) -> Overview:
        """Return the figures and calls of all workers.

        Raises:
            ProviderOverloadedError: the supervisor does not answer.
        """
        self._send_news()
        with self._question() as question:
            self._line.send(Ask(question.number))
            total = await question.answer()
        if not isinstance(total, Total):
            raise ProviderOverloadedError(
                "the process that sums up the figures of all workers does not answer; try again in a moment",
                retry_after=_PATIENCE_S,
                status_code=503,
            )
        metrics = Metrics()
        metrics.add(total.figures)
        return Overview(metrics, LiveCalls.of(total.under_way, total.ended), total.calls, total.workers)

    async def get(self, name: str) -> bytes | None:
        """Return a value that all workers share; ``None`` where there is none, or the supervisor does not answer."""
        with self._question() as question:
            self._line.send(Get(question.number, name))
            value = await question.answer()
        return value.value if isinstance(value, Value) else None

    async def put(self, name: str, value: bytes | None) -> None:
        """Keep a value for all workers; ``None`` removes it."""
        with self._question() as question:
            self._line.send(Put(question.number, name, value))
            await question.answer()

    async def _report(self) -> None:
        while True:
            await anyio.sleep(_REPORT_S)
            if self._line.is_idle:
                self._send_load()
                self._send_news()

    def _send_load(self) -> None:
        load = Load(self._taken, self._connections())
        if load != self._reported:
            self._line.send(load)
            self._reported = load

    def _send_news(self) -> None:
        figures, ended = self._metrics.take(), self._live.take_ended()
        if figures.amounts or ended:
            self._line.send(News(figures, ended))

    def _obey(self, message: FromSupervisor, end: Callable[[bool], None]) -> None:
        if isinstance(message, Look):
            self._send_load()
            self._send_news()
            self._line.send(State(self._calls(), list(self._live.under_way.values())))
        elif isinstance(message, End):
            end(message.now)
        elif message.number in self._asked:
            self._asked[message.number].settle(message)

    @contextmanager
    def _question(self) -> Iterator["_Question"]:
        question = _Question(next(self._numbers))
        self._asked[question.number] = question
        try:
            yield question
        finally:
            del self._asked[question.number]


class _Question:
    """A question to the supervisor, and its answer."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._answer: Total | Value | None = None
        self._settled = anyio.Event()

    def settle(self, answer: Total | Value) -> None:
        self._answer = answer
        self._settled.set()

    async def answer(self) -> Total | Value | None:
        """Wait for the answer, for a few seconds."""
        with anyio.move_on_after(_PATIENCE_S):
            await self._settled.wait()
        return self._answer
