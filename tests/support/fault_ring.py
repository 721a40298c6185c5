"""A ring whose providers are simulated, on either event loop, and what must not be left of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

import anyio
import trio
from llmring import Attempt, LLMRequest, LLMRing, Message, Policy
from llmring.exceptions import LLMRingError
from llmring.testing import Simulator
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport
from llmring_types import ModelRef

BACKENDS = ("asyncio", "trio")
PROTOCOLS = ("openai", "responses", "anthropic", "google", "ollama")
FRAMED = (*PROTOCOLS, "bedrock")
"""With the one whose streams are binary frames: what is said of lines and texts does not hold for it."""
PROVIDERS = ("openai", "anthropic", "google", "ollama", "bedrock")
_PATIENCE_S = 120.0


def provider_of(protocol: str) -> str:
    return "openai" if protocol == "responses" else protocol


def ask(model: str, protocol: str = "", **fields: Any) -> LLMRequest:
    extra = {"api": "responses"} if protocol == "responses" else {}
    return LLMRequest(
        messages=[Message(role="user", content="Hello")], model=model, extra_params=extra, **fields
    )


async def read(ring: LLMRing, request: LLMRequest, *, stream: bool) -> None:
    """Take the whole answer."""
    if stream:
        async for _ in ring.chat_stream(request):
            pass
    else:
        await ring.chat(request)


class Met(NamedTuple):
    """The end of one call."""

    text: str
    attempts: list[Attempt]
    error: LLMRingError | None = None


async def call(ring: LLMRing, request: LLMRequest, *, stream: bool) -> Met:
    """Take the whole answer, or the error in its place."""
    text = ""
    try:
        if not stream:
            response = await ring.chat(request)
            return Met(response.content, response.attempts)
        async for chunk in ring.chat_stream(request):
            text += chunk.delta
            attempts = chunk.attempts
    except LLMRingError as error:
        return Met(text, list(error.attempts), error)
    assert attempts is not None
    return Met(text, attempts)


def run(backend: str, main: Callable[..., Awaitable[None]], *args: object) -> None:
    """Run a test's coroutine function on an event loop, within a bound."""

    async def bounded() -> None:
        with anyio.fail_after(_PATIENCE_S):
            await main(*args)

    anyio.run(bounded, backend=backend)


class Gate:
    """A transport that lets nobody through before so many are there.

    Args:
        through: what carries the bytes.
        calls: how many open it.

    Attributes:
        most: how many were under way at once, from being asked to the answer, or its first byte.
    """

    def __init__(self, through: Transport, calls: int) -> None:
        self._through = through
        self._calls = calls
        self._open = anyio.Event()
        self._inside = 0
        self.most = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        async with self._place():
            return await self._through.send(request)

    async def open(self, request: HttpRequest) -> ByteStream:
        async with self._place():
            return await self._through.open(request)

    async def aclose(self) -> None:
        await self._through.aclose()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        self._inside += 1
        self.most = max(self.most, self._inside)
        if self.most == self._calls:
            self._open.set()
        try:
            await self._open.wait()
            yield
        finally:
            self._inside -= 1


@asynccontextmanager
async def ring_on(
    simulator: Simulator,
    tls: ssl.SSLContext,
    *,
    policy: Policy | None = None,
    pools: Mapping[str, Sequence[str]] = MappingProxyType({}),
    behind: Callable[[Transport], Transport] = lambda transport: transport,
    **arguments: Any,
) -> AsyncIterator[LLMRing]:
    """Yield a ring, and see to it afterwards that it has left no task and no connection.

    Args:
        simulator: stands for all providers.
        tls: what httpx2 would make anew for each ring.
        policy: the ring's.
        pools: alias to models.
        behind: puts the transport behind another.
        arguments: further ones of the ring.
    """
    on_trio = _on_trio()
    before = _tasks(on_trio=on_trio)
    transport = behind(Httpx2Transport(ssl_context=tls) if on_trio else AiohttpTransport())
    async with LLMRing(policy=policy, lockfile=_lockfile(pools), transport=transport, **arguments) as ring:
        for provider in PROVIDERS:
            ring.register_provider(provider, api_key="sk-a-key", base_url=simulator.base_url(provider))
        yield ring
    assert _tasks(on_trio=on_trio) == before
    await no_more_connections(simulator, than=0)


async def no_more_connections(simulator: Simulator, *, than: int) -> None:
    """Wait until the simulator has seen that its clients have gone."""
    with anyio.fail_after(5):
        while simulator.connections > than:  # noqa: ASYNC110 - it runs in another thread
            await anyio.sleep(0.001)


def _lockfile(pools: Mapping[str, Sequence[str]]) -> Lockfile:
    bindings = [Binding(alias, tuple(map(ModelRef.parse, models))) for alias, models in pools.items()]
    return Lockfile(profiles={"default": Profile("default", tuple(bindings))})


def _on_trio() -> bool:
    return trio.lowlevel.in_trio_run()


def tasks() -> int:
    """Count the tasks of the running loop, this one included."""
    return _tasks(on_trio=_on_trio())


def _tasks(*, on_trio: bool) -> int:
    return trio.lowlevel.current_statistics().tasks_living if on_trio else len(asyncio.all_tasks())
