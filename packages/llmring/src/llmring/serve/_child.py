"""A worker as its supervisor knows it: the process, its line, its connections, and what it does at this moment."""

import signal
import socket
from contextlib import suppress

import anyio
from anyio.abc import Process

from llmring.serve._line import End, FromWorker, Line, Load, Look, State


class Child:
    """A worker as the supervisor knows it.

    Attributes:
        turn: of the last connection that it got: those with the same number of connections take turns.
    """

    def __init__(self, process: Process, arrivals: socket.socket) -> None:
        self.process = process
        self.line: Line[FromWorker] = Line(FromWorker)
        self.is_ready = False
        self.takes_connections = False
        self.problem: str | None = None
        self.state = State()
        self.reported = Load()
        self.turn = 0
        self._arrivals = arrivals
        self._handed = 0
        self._looking: anyio.Event | None = None

    @property
    def connections(self) -> int:
        """Those that are open, and those that it has not taken yet."""
        return self.reported.open + self._handed - self.reported.taken

    def hand_on(self, connection: socket.socket, turn: int) -> bool:
        """Hand on a connection; ``False`` where the worker takes none, since too many wait for it, or it is gone."""
        try:
            socket.send_fds(self._arrivals, [b"."], [connection.fileno()])
        except OSError:
            return False
        self._handed += 1
        self.turn = turn
        return True

    def hand_on_no_more(self) -> None:
        """Let the worker know that it has got its last connection."""
        self.takes_connections = False
        self._arrivals.close()

    async def look(self) -> None:
        """Have the worker report now. One question at a time: a worker that stands still is not flooded."""
        if self._looking is None:
            self._looking = anyio.Event()
            self.line.send(Look())
        await self._looking.wait()

    def take(self, state: State) -> None:
        """Record a report."""
        self.state = state
        if self._looking is not None:
            self._looking.set()
            self._looking = None

    def end(self, *, now: bool = False) -> None:
        """Have the worker end. One that is starting has no call under way, and does not listen yet."""
        if self.is_ready:
            self.hand_on_no_more()
            self.line.send(End(now))
        else:
            self.kill()

    def kill(self) -> None:
        """End the process at once, if it has not ended."""
        with suppress(ProcessLookupError):
            self.process.kill()

    @property
    def ending(self) -> str:
        """The way in which the process has ended, in words."""
        code = self.process.returncode or 0
        if code >= 0:
            return f"ended with exit code {code}"
        names = {each.value: each.name for each in signal.Signals}
        return f"was ended by {names.get(-code, f'signal {-code}')}"
