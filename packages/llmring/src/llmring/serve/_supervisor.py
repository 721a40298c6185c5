"""The supervisor of a gateway with several workers: one address, a process for each worker, one account of all.

The supervisor accepts connections and hands each on to the worker with the fewest. Workers report what they count, so
that one that dies takes nothing of it along. They end when the supervisor has them end, or is gone itself.
"""

import logging
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count
from subprocess import DEVNULL

import anyio
from llmring_types.exceptions import ConfigurationError

from llmring._tasks import task_group
from llmring.serve._child import Child
from llmring.serve._line import (
    Ask,
    Failed,
    FromWorker,
    Get,
    Leaving,
    Load,
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
from llmring.serve._page import MemorySessions
from llmring.serve._server import listening

_LOOK_S = 1.0
"""Seconds that a worker may take to report; then its last report counts."""
_EXTRA_S = 5
"""Seconds beyond those for calls under way, for the usage log and what else is done at the end."""
_AT_ONCE_S = 2
_PAUSE_S = 1.0
_AT_A_TIME = 64
"""Connections accepted before workers and signals are listened to again."""
_STEADY_S = 60
"""Seconds after which a worker's end has nothing to do with the one before."""
_LONGEST_PAUSE_S = 30.0
_logger = logging.getLogger("llmring.serve")


def run_workers(
    command: Sequence[str],
    workers: int,
    *,
    setup: bytes = b"",
    host: str = "127.0.0.1",
    port: int = 0,
    drain_s: int = 30,
    on_ready: Callable[[str], object] | None = None,
) -> None:
    """Serve by several processes until this one is told to end (SIGINT, SIGTERM); calls under way are then finished.

    A worker that ends is replaced, after a pause that grows if it ends again and again. A second SIGINT ends at once.
    Call it in the main thread, which gets signals.

    Args:
        command: starts a worker. Two numbers are added to it, the arguments of :class:`Worker`.
        workers: how many.
        setup: bytes for each worker, which other users of the machine do not see, unlike a command.
        host: the address to listen at.
        port: 0 takes a free one.
        drain_s: seconds that calls under way may take to end; the workers' own limit.
        on_ready: gets the URL once all workers answer.

    Raises:
        ConfigurationError: a worker cannot start, or the system is Windows, where sockets are not handed on like this.
        OSError: the address is taken.
        KeyboardInterrupt: it was ended by SIGINT.
    """
    if os.name != "posix":
        raise ConfigurationError("several workers need Linux or macOS; start without --workers")
    with listening(host, port) as (listener, url):
        supervisor = _Supervisor(command, workers, framed(setup), listener, drain_s)
        anyio.run(supervisor.run, None if on_ready is None else lambda: on_ready(url))
    if supervisor.problem is not None:
        raise ConfigurationError(supervisor.problem)
    signal.raise_signal(supervisor.signal)


class _Supervisor:
    """Starts and replaces workers, and sums up what they report.

    Attributes:
        problem: why no worker can start.
        signal: that has ended it.
    """

    def __init__(
        self, command: Sequence[str], workers: int, setup: bytes, listener: socket.socket, drain_s: int
    ) -> None:
        self.problem: str | None = None
        self.signal = signal.SIGTERM
        self._command = command
        self._count = workers
        self._setup = setup
        self._listener = listener
        self._drain_s = drain_s
        self._children: list[Child] = []
        self._metrics, self._live, self._sessions = Metrics(), LiveCalls(), MemorySessions()
        self._has_started = False
        self._ending = anyio.Event()
        self._is_taking = anyio.Event()
        self._turns = count(1)

    async def run(self, on_ready: Callable[[], object] | None) -> None:
        """Supervise until all workers have ended."""
        self._on_ready = on_ready
        self._accepting = anyio.CancelScope()
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with task_group() as group:
                self._group = group
                group.start_soon(self._obey, signals)
                group.start_soon(self._accept)
                async with task_group() as slots:
                    for _ in range(self._count):
                        slots.start_soon(self._keep_one)
                group.cancel_scope.cancel()

    async def _obey(self, signals: AsyncIterator[signal.Signals]) -> None:
        async for number in signals:
            if not self._ending.is_set():
                self.signal = number
                self._end()
            elif number == signal.SIGINT:
                self._group.start_soon(self._end_children, True, _AT_ONCE_S)

    def _end(self) -> None:
        """Accept no more connections, here and in the workers, and let calls under way end."""
        self._ending.set()
        self._accepting.cancel()
        self._group.start_soon(self._end_children, False, self._drain_s + _EXTRA_S)

    async def _end_children(self, now: bool, patience_s: float) -> None:
        for child in self._children:
            child.end(now=now)
        await anyio.sleep(patience_s)
        for child in self._children:
            child.kill()

    async def _accept(self) -> None:
        """Hand on connections as they come; while no worker takes any, they wait in the system's queue."""
        self._listener.setblocking(False)
        with self._accepting, self._listener:
            while True:
                await anyio.wait_readable(self._listener)
                while not any(child.takes_connections for child in self._children):
                    self._is_taking = anyio.Event()
                    await self._is_taking.wait()
                try:
                    self._hand_on_waiting()
                except OSError as error:
                    _logger.error("cannot accept connections: %s", error.strerror)  # noqa: TRY400 - one line
                    await anyio.sleep(_PAUSE_S)

    def _hand_on_waiting(self) -> None:
        """Hand on some of the connections that wait.

        Raises:
            OSError: this process has too many files open, say.
        """
        for _ in range(_AT_A_TIME):
            try:
                connection, _address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            with connection:
                takers = (child for child in self._children if child.takes_connections)
                for child in sorted(takers, key=lambda child: (child.connections, child.turn)):
                    if child.hand_on(connection, next(self._turns)):
                        break

    async def _keep_one(self) -> None:
        """Have one worker run, and a new one after each that ends."""
        failures = 0
        while not self._ending.is_set():
            began = time.monotonic()
            has_answered, outcome = await self._run_one()
            if self._ending.is_set():
                return
            if not has_answered and not self._has_started:
                self.problem = outcome
                self._end()
                return
            failures = 1 if time.monotonic() - began > _STEADY_S else failures + 1
            pause = pause_after(failures)
            _logger.error("%s; another one starts%s", outcome, f" in {pause:g} s" if pause else "")
            with anyio.move_on_after(pause):
                await self._ending.wait()

    async def _run_one(self) -> tuple[bool, str]:
        """Run a worker until it has ended. Return whether it has answered requests, and its end in words."""
        try:
            ours, theirs = socket.socketpair()
            arrivals, taken = socket.socketpair()
        except OSError as error:
            return False, _not_started(error)
        with ours, arrivals:
            arrivals.setblocking(False)
            ours.sendall(self._setup)
            with theirs, taken:
                numbers = theirs.fileno(), taken.fileno()
                try:
                    # In a session of its own, so that Ctrl-C is between the terminal and the supervisor.
                    process = await anyio.open_process(
                        [*self._command, *map(str, numbers)],
                        stdin=DEVNULL,
                        stdout=DEVNULL,
                        stderr=None,
                        pass_fds=numbers,
                        start_new_session=True,
                    )
                except OSError as error:
                    return False, _not_started(error)
            child = Child(process, arrivals)
            self._children.append(child)
            if self._ending.is_set():
                child.end()
            await child.line.run(ours, lambda message: self._take(child, message))
            child.takes_connections = False
            child.take(State())
            with anyio.move_on_after(_EXTRA_S):
                await process.wait()
            child.kill()
            await process.wait()
            self._children.remove(child)
            return child.is_ready, child.problem or f"worker {process.pid} {child.ending}"

    def _take(self, child: Child, message: FromWorker) -> None:
        if isinstance(message, News):
            self._metrics.add(message.figures)
            self._live.recent.extend(message.ended)
        elif isinstance(message, State):
            child.take(message)
        elif isinstance(message, Ask):
            self._group.start_soon(self._answer, child, message.number)
        elif isinstance(message, Get):
            child.line.send(Value(message.number, self._sessions.found(message.name)))
        elif isinstance(message, Put):
            self._sessions.keep(message.name, message.value)
            child.line.send(Value(message.number, None))
        elif isinstance(message, Failed):
            child.problem = message.problem
        elif isinstance(message, Load):
            child.reported = message
        elif isinstance(message, Leaving):
            child.hand_on_no_more()
        elif isinstance(message, Ready):
            self._greet(child)

    def _greet(self, child: Child) -> None:
        child.is_ready = child.takes_connections = True
        self._is_taking.set()
        if not self._has_started and sum(each.is_ready for each in self._children) == self._count:
            self._has_started = True
            if self._on_ready is not None:
                self._on_ready()

    async def _answer(self, child: Child, number: int) -> None:
        """Sum up what all workers have counted, and what they do now."""
        ready = [each for each in self._children if each.is_ready]
        with anyio.move_on_after(_LOOK_S):
            async with task_group() as group:
                for each in ready:
                    group.start_soon(each.look)
        child.line.send(
            Total(
                number,
                workers=len(ready),
                calls=sum(each.state.calls for each in ready),
                figures=self._metrics.figures,
                under_way=[call for each in ready for call in each.state.under_way],
                ended=list(self._live.recent),
            )
        )


def pause_after(failures: int) -> float:
    """Return the seconds to wait before a worker is replaced that has ended so many times in a row."""
    return 0.0 if failures == 1 else min(2.0 ** min(failures - 2, 10), _LONGEST_PAUSE_S)


def _not_started(error: OSError) -> str:
    return f"a worker cannot be started: {error.strerror or error}"
