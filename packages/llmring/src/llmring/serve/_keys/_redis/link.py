"""The steps of a gateway on their way to Redis: those of all calls go there together, in order.

One batch is under way at a time. So a step is taken before a later one that takes it back, though the call that asked
for it has gone; and the more calls there are, the less each costs.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from llmring_types.exceptions import ConfigurationError

from llmring._runtime import LoopHandle
from llmring.serve._keys._key import KeyStoreUnavailableError
from llmring.serve._keys._redis.server import Script, Server, Step

_logger = logging.getLogger("llmring.serve")
_PAUSE_S = 1.0
"""Seconds for which nobody asks a server that has just not answered."""
_MOST_WAITING = 10_000


class Link:
    """Runs steps on a server, in one event loop of asyncio at a time.

    Args:
        server: runs them.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._steps: deque[Step] = deque()
        self._unwritten: list[Step] = []
        self._sending: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: LoopHandle | None = None
        self._away_until = 0.0

    async def run(self, script: Script, undo: Step | None = None) -> Any:
        """Return the answer of a script.

        Args:
            script: to run.
            undo: takes it back where it may have been run and nobody waits for its answer any more.

        Raises:
            KeyStoreUnavailableError: there is none.
        """
        if self._away_until and time.monotonic() < self._away_until:
            raise KeyStoreUnavailableError(
                f"the key store at {self._server.address} did not answer a moment ago"
            )
        if len(self._steps) >= _MOST_WAITING:
            raise KeyStoreUnavailableError(f"too many calls wait for the key store at {self._server.address}")
        try:
            return await self._wait_for(lambda _: script)
        except BaseException:
            if undo is not None:
                self.post(undo)
            raise

    async def flush(self) -> None:
        """Wait until every step so far was run, or could not be."""
        if self._steps or (self._sending is not None and not self._sending.done()):
            await self._wait_for(None)

    def post(self, step: Step) -> None:
        """Run a step soon. From any thread, at any moment; nobody waits."""
        self._steps.append(step)
        if self._handle is not None:
            self._handle.run(self._start)

    def close(self) -> None:
        """Run what is left, as far as the server lets, and close the connections."""
        self._keep(self._steps)
        self._steps.clear()
        left, self._unwritten = self._unwritten, []
        try:
            for step in left:
                if step.script is not None:
                    self._server.run(step.script(step.tried))
        except KeyStoreUnavailableError as error:
            _logger.error(  # noqa: TRY400 - a trace says no more
                "the key store was not closed in order, so what was set aside stays set aside: %s", error
            )
        self._server.direct.close()
        if self._server.is_connected and self._loop is not None and self._loop.is_running():
            asyncio.run_coroutine_threadsafe(self._server.disconnect(), self._loop)

    async def aclose(self) -> None:
        """Do the same without holding up the event loop."""
        await self.flush()
        await self._server.disconnect()
        await asyncio.to_thread(self.close)

    async def _wait_for(self, script: Callable[[bool], Script] | None) -> Any:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise ConfigurationError(
                "a key store in Redis is for gateways on asyncio", original=error
            ) from error
        if loop is not self._loop:
            self._adopt(loop)
        future: asyncio.Future[Any] = loop.create_future()
        self._steps.append(Step(script, future))
        self._start()
        return await future

    def _adopt(self, loop: asyncio.AbstractEventLoop) -> None:
        """Work in this loop from now on: tasks that waited in an older one have ended with it."""
        self._loop, self._handle, self._sending = loop, LoopHandle(), None
        self._server.forget()

    def _start(self) -> None:
        """Send what waits, unless that is under way. In the loop's own thread."""
        loop = self._loop
        if loop is not None and loop.is_running() and (self._sending is None or self._sending.done()):
            self._sending = loop.create_task(self._send(), name="llmring keys", context=Context())

    async def _send(self) -> None:
        while self._steps:
            batch, self._unwritten = self._unwritten, []
            while self._steps:
                batch.append(self._steps.popleft())
            scripts = [step for step in batch if step.script is not None]
            try:
                answers = await self._server.answers(scripts) if scripts else []
            except self._server.errors as error:
                self._fail(batch, error)
            except BaseException:
                self._keep(batch)
                raise
            else:
                self._finish(batch, answers)

    def _finish(self, batch: list[Step], answers: list[Any]) -> None:
        if answers and self._away_until:
            self._away_until = 0.0
            _logger.warning("the key store at %s answers again", self._server.address)
        following = iter(answers)
        for step in batch:
            answer = None if step.script is None else next(following)
            if isinstance(answer, Exception):
                self._fail([step], answer)
                continue
            if step.future is not None and not step.future.done():
                step.future.set_result(answer)
            if step.then is not None:
                step.then()

    def _fail(self, batch: list[Step], error: Exception) -> None:
        """Report the error to those who wait, and keep what has to be written when the server is back."""
        if not self._away_until:
            _logger.error("calls with a key are refused: %s", self._server.unavailable(error))
        self._away_until = time.monotonic() + _PAUSE_S
        self._keep(batch)
        for step in batch:
            if step.future is not None and not step.future.done():
                if step.script is None:
                    step.future.set_result(None)
                else:
                    step.future.set_exception(self._server.unavailable(error))
            if step.then is not None:
                step.then()

    def _keep(self, steps: Iterable[Step]) -> None:
        self._unwritten += [step for step in steps if step.lasting]
