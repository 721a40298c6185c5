"""A host on loopback that speaks the protocols of all providers, as a script says."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import Any, Self

import msgspec
from llmring_providers import Provider, ProviderSettings, find_factory
from llmring_providers.sim import HostedBatches, HostedFiles, Prompt, Script, Simulation
from llmring_providers.sim.plan import Plan
from llmring_providers.transport import HttpRequest
from llmring_types.hosts import HOSTS

from llmring.testing._connection import Connection, Listener

_BASE_PATHS: Mapping[str | None, str] = {"openai": "/v1", "responses": "/v1"}
"""By protocol: what a base URL has after the host, where it has anything."""


class Received(msgspec.Struct, frozen=True):
    """A request that the simulator received.

    Attributes:
        method: ``GET`` or ``POST``.
        path: with its query.
        headers: names in lower case. Keys are in them as they were sent.
        prompt: what was asked, in a form common to all protocols; ``None`` where it was not a readable chat call.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    prompt: Prompt | None = None

    def __repr__(self) -> str:
        """Show no header, query or body: keys and prompts are in them."""
        return f"Received({self.method!r}, {self.path.partition('?')[0]!r})"

    @property
    def json(self) -> Any:
        """The body, decoded.

        Raises:
            msgspec.DecodeError: it is not JSON.
        """
        return msgspec.json.decode(self.body)


class Simulator:
    """A simulated host for any client that can be given a base URL. It needs no dependency.

    ``async with`` runs it in the running asyncio loop, ``with`` in a thread, for clients on trio or without a loop.

    ::

        script = Script(rules=(Rule(until=1, fault=faults.Status(status=429, retry_after=2)),))
        async with Simulator(script) as simulator:
            client = AsyncOpenAI(base_url=simulator.base_url("openai"), api_key="any")

    It takes any key. Without a script, or where no rule of it applies, the demo model answers.

    Args:
        script: may be replaced while it runs (:attr:`script`); calls are then numbered from 1 again.
        host: to listen at.
        port: 0 takes a free one.
        host_names: names by which clients may call it, besides ``localhost``, ``host`` and any IP address. Requests for
            another name, and those of web pages of other hosts, are refused.
        on_request: called with each request when it has come in whole.

    Attributes:
        requests: the requests received, oldest first.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        host_names: Sequence[str] = (),
        on_request: Callable[[Received], object] | None = None,
    ) -> None:
        self.requests: list[Received] = []
        self._on_request = on_request
        self._simulation = Simulation(script or Script())
        self._host = host
        self._host_names = frozenset(name.lower() for name in (host, *host_names))
        self._port = port
        self._listener: Listener | None = None
        self._connections: set[Connection] = set()
        self._thread: Thread | None = None
        self._leave: Callable[[], object] | None = None

    @property
    def connections(self) -> int:
        """The number of connected clients, idle ones included."""
        return len(self._connections)

    @property
    def script(self) -> Script:
        return self._simulation.script

    @script.setter
    def script(self, script: Script) -> None:
        self._simulation.script = script

    @property
    def files(self) -> HostedFiles:
        """The files that were uploaded to it, by clients of every protocol; ``clear()`` forgets them."""
        return self._simulation.files

    @property
    def batches(self) -> HostedBatches:
        """The batches that were submitted to it, by clients of every protocol."""
        return self._simulation.batches

    @property
    def url(self) -> str:
        """``http://HOST:PORT``; the port is known once the simulator runs."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def base_url(self, provider: str) -> str:
        """Return the base URL for a host of the table: ``openai``, ``anthropic``, ``google``, ``ollama``, …

        Raises:
            KeyError: the table has no such host.
        """
        return self.url + _BASE_PATHS.get(HOSTS[provider].protocol, "")

    @contextmanager
    def answer_others(self) -> Iterator[None]:
        """Answer, within the block, for the providers to which no address leads: ``sim``, and those of packages."""
        from llmring._providers import building  # noqa: PLC0415 - the simulator alone needs no ring

        with building(self._other):
            yield

    def _other(self, settings: ProviderSettings) -> Provider | None:
        host = HOSTS.get(settings.name)
        if host is not None and host.protocol not in ("sim", "local"):
            return None
        here = msgspec.structs.replace(
            settings, api_key="simulated-key", base_url=self.base_url("openai"), client=None
        )
        return find_factory("openai")(here)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead llmring, the vendors' SDKs and most other clients to it, the vendors' keys included."""
        hosts = sorted(HOSTS.values(), key=lambda host: not host.is_shown)
        variables: dict[str, str] = {}
        for host in hosts:
            variables |= dict.fromkeys(host.base_url_variables, self.base_url(host.name))
            if host.is_shown and not host.keyless:  # the tokens of the others open more than models
                variables |= dict.fromkeys((host.key_variables[0], *host.sdk_key_variables), "simulated-key")
        return variables

    async def __aenter__(self) -> Self:
        listener = Listener(
            lambda: Connection(self._answer, self._connections, self._go_away, self._host_names)
        )
        self._port = await listener.open(self._host, self._port)
        self._listener = listener
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and drop every connection, whatever was still to be sent."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        await listener.close()
        for connection in list(self._connections):
            await connection.drop()
        await listener.wait_closed()

    def __enter__(self) -> Self:
        started: Future[Callable[[], object]] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(self._run(started)), name="llmring-simulator", daemon=True
        )
        self._thread.start()
        self._leave = started.result()
        return self

    def __exit__(self, *_: object) -> None:
        if self._leave is not None and self._thread is not None:
            self._leave()
            self._thread.join()

    async def _run(self, started: "Future[Callable[[], object]]") -> None:
        over = asyncio.Event()
        try:
            async with self:
                started.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, over.set))
                await over.wait()
        except OSError as error:  # it cannot listen there
            started.set_exception(error)

    def _go_away(self, seconds: float) -> None:
        if self._listener is not None:
            self._listener.leave(seconds)
        for connection in list(self._connections):
            connection.reset()

    def _answer(self, request: HttpRequest) -> Plan:
        plan, prompt = self._simulation.plan(request)
        received = Received(request.method, request.url, request.headers, request.body, prompt)
        self.requests.append(received)
        if self._on_request is not None:
            self._on_request(received)
        return plan


async def serve(
    script: Script | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    host_names: Sequence[str] = (),
    on_ready: Callable[[Simulator], object] | None = None,
    on_request: Callable[[Received], object] | None = None,
) -> None:
    """Run a simulator until cancelled.

    Args:
        script: what it answers.
        host: to listen at.
        port: 0 takes a free one.
        host_names: names of the host besides ``localhost``.
        on_ready: called once it listens.
        on_request: called with each request when it has come in whole.
    """
    simulated = Simulator(script, host=host, port=port, host_names=host_names, on_request=on_request)
    async with simulated as simulator:
        if on_ready is not None:
            on_ready(simulator)
        await asyncio.get_running_loop().create_future()
