"""The ASGI application: doors, limits, and the way to whatever answers."""

import asyncio
from collections.abc import Collection
from urllib.parse import unquote

import msgspec
from llmring_providers.hosting import Route, find_route
from llmring_types.exceptions import (
    ConfigurationError,
    LLMRingError,
    LockfileError,
    ProviderAuthenticationError,
    ProviderOverloadedError,
    ProviderPermissionError,
)

from llmring._policy import CachePolicy
from llmring._records import CallRecord
from llmring._ring import LLMRing
from llmring.serve._answering import Answering, Caller
from llmring.serve._door import Door
from llmring.serve._exchange import ClientGoneError, Exchange, Receive, Scope, Send
from llmring.serve._keys import KeyStore
from llmring.serve._live import LiveCalls
from llmring.serve._metrics import CONTENT_TYPE, Metrics
from llmring.serve._page import Page, is_of_page
from llmring.serve._refusals import TEXT, as_gateway, refuse, refuse_person, refuse_place, report_lockfile
from llmring.serve._tab import Tab
from llmring.serve._worker import Overview, Worker

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Anthropic's own limit on a request (https://platform.claude.com/docs/en/api/errors), the largest of the vendors'."""
MAX_CALLS = 1000
_RETRY_S = 1
_BROKEN = "1 while the last good lockfile is served, else 0."
_READY_WITHOUT_LOCKFILE = "ready; the lockfile cannot be read, so the last good one is served"


class Gateway:
    """Serves the aliases of a ring by the protocols of OpenAI, Anthropic, Gemini and Ollama: an ASGI application.

    Args:
        ring: answers. It stays yours: it is not closed. From now on it outlives a lockfile that breaks: the last good
            one answers until there is another.
        keys: once a key was made there, nobody is served without one; until then, and without a store, clients of this
            machine are.
        cache: have the ring keep its answers; ``None`` leaves that to the ring's own policy.
        page: answers ``/`` and ``/page/…`` to people; without one there is nothing.
        profile: of the lockfile, for requests without the header ``llmring-profile``.
        direct_models: let clients name ``provider:model`` beside the aliases.
        host_names: names by which clients may call it, besides ``localhost`` and any IP address.
        max_body_bytes: limit on the size of a request.
        max_calls: calls at the same time; one more is answered with 503 and ``Retry-After``.
    """

    def __init__(
        self,
        ring: LLMRing,
        *,
        keys: KeyStore | None = None,
        cache: CachePolicy | None = None,
        page: Page | None = None,
        profile: str | None = None,
        direct_models: bool = False,
        host_names: Collection[str] = (),
        max_body_bytes: int = MAX_BODY_BYTES,
        max_calls: int = MAX_CALLS,
    ) -> None:
        self._ring = ring
        self._profile = profile
        self._direct = direct_models
        self._keys = keys
        self._page = page
        self._door = Door(host_names, keys)
        self._max_body_bytes = max_body_bytes
        self._max_calls = max_calls
        self._calls = 0
        self._draining = False
        self._live = LiveCalls()
        self._metrics = Metrics()
        self._worker: Worker | None = None
        if cache is not None:
            ring._chat.keep_answers(cache)  # noqa: SLF001 - the ring's own door
        ring._chat.watcher.add(self._observe)  # noqa: SLF001 - the ring's own door
        ring._aliases.keep_last_good(report_lockfile)  # noqa: SLF001 - the ring's own door

    @property
    def live(self) -> LiveCalls:
        """The calls under way and the last that ended; of a worker, those that its supervisor does not know yet."""
        return self._live

    def join(self, worker: Worker) -> None:
        """From now on show the figures and calls of all workers, and not those of this process alone."""
        worker.attach(self._metrics, self._live, lambda: self._calls)
        self._worker = worker

    @property
    def lockfile_problem(self) -> LockfileError | None:
        """The reason why the last good lockfile is served and not the one on disk; ``None`` where there is none."""
        return self._ring._aliases.resolver.problem  # noqa: SLF001 - the ring's own door

    def drain(self) -> None:
        """Be no longer ready: the server is about to end."""
        self._draining = True

    def _observe(self, record: CallRecord) -> None:
        self._metrics.count_call(record)
        request_id = (record.request.metadata or {}).get("request_id")
        if isinstance(request_id, str):
            self._live.end(request_id, record)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server."""
        if scope["type"] == "http":
            try:
                await self._serve(Exchange(scope, receive, send))
            except ClientGoneError:
                return
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _serve(self, exchange: Exchange) -> None:
        method = "GET" if exchange.method == "HEAD" else exchange.method  # the server leaves out the body
        route = find_route(method, exchange.target, exchange.headers) or _entry(method, exchange)
        if route is None:
            await self._serve_other(exchange)
            return
        try:
            await self._serve_route(exchange, route)
        finally:
            self._metrics.count_request(route.protocol, route.operation, exchange.status)

    async def _serve_route(self, exchange: Exchange, route: Route) -> None:
        try:
            caller = await self._admit(exchange)
        except LLMRingError as error:
            await refuse(exchange, route, as_gateway(error))
            return
        answering = Answering(self._ring, exchange, route, caller, self._live)
        if self._calls >= self._max_calls:
            await answering.refuse(
                ProviderOverloadedError(
                    f"this gateway has {self._max_calls} calls under way; try again in a moment",
                    retry_after=_RETRY_S,
                    status_code=503,
                )
            )
            return
        self._calls += 1
        try:
            await self._answer(exchange, answering)
        except asyncio.CancelledError:  # the server ends at once, and would print a trace of each call
            if not self._draining:
                raise
            if not exchange.status:
                ended = ProviderOverloadedError(
                    "this gateway has ended", retry_after=_RETRY_S, status_code=503
                )
                await refuse(exchange, route, ended)
        finally:
            self._calls -= 1

    async def _answer(self, exchange: Exchange, answering: Answering) -> None:
        try:
            body = await exchange.body(self._max_body_bytes)
        except LLMRingError as error:
            await answering.refuse(error)
            return
        await exchange.until_gone(lambda: answering.reply(body))

    async def _admit(self, exchange: Exchange) -> Caller:
        """Return who asks.

        Raises:
            LLMRingError: they may not come in.
        """
        self._door.check_address(exchange)
        key = await self._door.key_of(exchange)
        keys, wish = self._keys, exchange.headers.get("llmring-profile")
        if key is None or keys is None:
            return Caller(profile=wish or self._profile, direct=self._direct, tab=Tab())
        if key.profile is not None and wish not in {None, key.profile}:
            raise ProviderPermissionError(f"this key is for the profile {key.profile!r}")
        profile = key.profile or wish or self._profile
        return Caller(profile=profile, direct=self._direct, tab=Tab(key, keys.ledger))

    async def _serve_other(self, exchange: Exchange) -> None:
        """Answer what is no endpoint of a protocol: the state of the gateway, for those who look after it."""
        place = exchange.path.rpartition("/")[2] if exchange.method in {"GET", "HEAD"} else ""
        if place == "healthz":
            await exchange.answer(200, TEXT, b"ok\n")
        elif place == "readyz":
            problem = await self._problem()
            text = problem or ("ready" if self.lockfile_problem is None else _READY_WITHOUT_LOCKFILE)
            await exchange.answer(503 if problem else 200, TEXT, f"{text}\n".encode())
        elif place == "metrics":
            await self._show_metrics(exchange)
        elif self._page is not None and is_of_page(exchange.path):
            await self._show_page(exchange, self._page)
        else:
            await refuse_place(exchange)

    async def _overview(self) -> Overview:
        own = Overview(self._metrics, self._live, self._calls)
        return own if self._worker is None else await self._worker.overview()

    async def _show_page(self, exchange: Exchange, page: Page) -> None:
        try:
            self._door.check_address(exchange)
            admitted = await self._is_admitted(exchange)
            live = (await self._overview()).live
        except LLMRingError as error:
            await refuse_person(exchange, error)
            return
        await page(exchange, live, admitted=admitted)

    async def _is_admitted(self, exchange: Exchange) -> bool:
        """Return whether a person may read the page without signing in."""
        try:
            return await self._door.key_of(exchange) is None
        except ProviderAuthenticationError:
            return False

    async def _show_metrics(self, exchange: Exchange) -> None:
        """Show the figures to whom would be served: they name aliases and sums."""
        try:
            await self._admit(exchange)
            seen = await self._overview()
        except LLMRingError as error:
            await refuse_person(exchange, error)
            return
        gauges: dict[str, tuple[str, float]] = {
            "llmring_workers": ("Processes that answer.", seen.workers),
            "llmring_calls_under_way": ("Calls at this moment.", seen.calls),
            "llmring_lockfile_broken": (_BROKEN, self.lockfile_problem is not None),
        }
        await exchange.answer(200, {"content-type": CONTENT_TYPE}, seen.metrics.text(gauges))

    async def _problem(self) -> str:
        """Return why no calls should be sent here now, without names of files: anybody may ask. Empty for no reason."""
        if self._draining:
            return "ending"
        try:
            if self._keys is not None:
                await self._keys.check()
        except ConfigurationError as error:
            return as_gateway(error).message
        return ""


def app(
    ring: LLMRing,
    *,
    keys: KeyStore | None = None,
    cache: CachePolicy | None = None,
    page: Page | None = None,
    profile: str | None = None,
    direct_models: bool = False,
    host_names: Collection[str] = (),
    max_body_bytes: int = MAX_BODY_BYTES,
    max_calls: int = MAX_CALLS,
) -> Gateway:
    """Return the ASGI application that serves the aliases of a ring; :class:`Gateway` describes the arguments.

    ``Mount("/ai", llmring.serve.app(ring))`` puts it into a Starlette or FastAPI application.
    """
    return Gateway(
        ring,
        keys=keys,
        cache=cache,
        page=page,
        profile=profile,
        direct_models=direct_models,
        host_names=host_names,
        max_body_bytes=max_body_bytes,
        max_calls=max_calls,
    )


def _entry(method: str, exchange: Exchange) -> Route | None:
    """Return the endpoint of one entry of a list of models: ``GET /v1/models/NAME``."""
    above, _, name = exchange.path.rpartition("/")
    if method != "GET" or not above.endswith("/models"):
        return None
    route = find_route(method, above, exchange.headers)
    return route and msgspec.structs.replace(route, model=unquote(name))


async def _live(receive: Receive, send: Send) -> None:
    """Agree to the start and the end of the server (https://asgi.readthedocs.io/en/latest/specs/lifespan.html)."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
