"""The provider ``sim``, and its transport whose other end is in the same process: no sockets, the same bytes."""

import asyncio
import math
import sys
from collections.abc import Iterator, Mapping

from llmring_providers._http.provider import HttpProvider
from llmring_providers._settings import ProviderSettings
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.sim.plan import Plan
from llmring_providers.sim.script import Script
from llmring_providers.sim.simulation import Simulation
from llmring_providers.transport import HttpRequest, HttpResponse, TransportError
from llmring_providers.transport._bodies import Body


async def pause(seconds: float) -> None:
    """Sleep; an infinite number of seconds is for ever. Works on asyncio and on trio, which it never imports."""
    if not seconds:
        return
    trio = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        await trio.sleep(seconds)
    elif math.isinf(seconds):
        await asyncio.get_running_loop().create_future()
    else:
        await asyncio.sleep(seconds)


BASE_URL = "http://simulator.invalid/v1"
"""Never looked up: the transport stays within the process."""


def create(settings: ProviderSettings, script: Script | None = None) -> HttpProvider:
    """Build the provider. It needs no key and reaches no network; every model name works.

    It is OpenAI's adapter with another transport, so calls take the same way as to a real provider.

    Args:
        settings: only the name and the limit on answers count.
        script: what the models answer; without one the demo model does.
    """
    return HttpProvider(
        settings.name,
        adapter=OpenAIAdapter(),
        transport=SimTransport(script),
        base_url=BASE_URL,
        max_response_bytes=settings.max_response_bytes,
    )


_BROKEN = {
    "close": "the connection was closed before the answer was complete",
    "reset": "the connection was reset",
    "refused": "the connection was refused",
    "bad_chunk": "the answer has a broken chunk size",
}


class SimTransport:
    """Answers as the script says; without one, as the demo model does.

    It honours pauses on asyncio and on trio.
    """

    def __init__(self, script: Script | None = None) -> None:
        self._simulation = Simulation(script or Script())

    async def send(self, request: HttpRequest) -> HttpResponse:
        reply = await self.open(request)
        pieces = []
        while piece := await reply.read():
            pieces.append(piece)
        return HttpResponse(reply.status, reply.headers, b"".join(pieces))

    async def open(self, request: HttpRequest) -> "SimStream":
        plan, _ = self._simulation.plan(request)
        await pause(plan.wait)
        if plan.status is None:
            raise _broken(plan)
        return SimStream(plan.status, plan, request)

    async def aclose(self) -> None:
        """Nothing is held."""


class SimStream:
    """An answer as it is played."""

    def __init__(self, status: int, plan: Plan, request: HttpRequest) -> None:
        self.status = status
        self.headers: Mapping[str, str] = plan.headers
        self._plan = plan
        self._body = Body(request, status, plan.headers, compressed=False)
        self._steps: Iterator[bytes | float] = iter(plan.steps)

    async def read(self) -> bytes:
        for step in self._steps:
            if not isinstance(step, bytes):
                await pause(step)
            elif step:
                return self._body.feed(step)
        if self._plan.ending != "end":
            raise _broken(self._plan)
        return b""

    async def finish(self) -> None:
        """There is no connection to give back."""

    def close(self) -> None:
        self._steps = iter(())


def _broken(plan: Plan) -> TransportError:
    return TransportError(f"simulator: {_BROKEN[plan.ending]}")
