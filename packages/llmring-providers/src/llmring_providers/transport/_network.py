"""The way of a request: the running async library's transport, a diversion, or a refusal to leave this machine."""

import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._protocol import ByteStream, HttpRequest, HttpResponse, Transport, host_of


class Refusal:
    """The refusal that :func:`refuse_network` began; leaving it as a context manager ends it."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self in _refusals:
            _refusals.remove(self)


_refusals: list[Refusal] = []


def refuse_network(*allowed: str) -> Refusal:
    """Let no request of any transport leave this machine, from now on or, as a context manager, until its end.

    Calls then fail with a :class:`ConfigurationError` that no failover hides. Loopback addresses stay allowed.

    Args:
        allowed: names of further hosts that may be reached. Where several refusals hold, the last one's count.
    """
    refusal = Refusal(frozenset(allowed))
    _refusals.append(refusal)
    return refusal


def check_network(request: HttpRequest) -> None:
    """See to it that a request may be sent.

    Raises:
        ConfigurationError: it would leave this machine, and that is refused.
    """
    if not _refusals and not request.loopback_only:
        return
    host = _host(request.url)
    allowed = _refusals[-1].allowed if _refusals else ()
    if host not in allowed and not _is_loopback(host):
        raise ConfigurationError(
            f"a request to {host_of(request.url)} was about to be sent, and the network is refused here (by "
            "refuse_network() or LLMRING_ALLOW_NETWORK=0): use a FakeProvider, a Simulator or a recording, or allow the "
            "host"
        )


class LoopbackOnly:
    """Lets no request through a transport leave this machine.

    An explicit :func:`refuse_network` decides in its place. What reaches no network, a simulator say, is left alone.

    Args:
        transport: carries the bytes.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        return self._transport.send(request._replace(loopback_only=True))

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        return self._transport.open(request._replace(loopback_only=True))

    async def aclose(self) -> None:
        await self._transport.aclose()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class Diversion(Protocol):
    """An address that requests go to instead."""

    def through(self, transport: Transport, *, provider: str, secret: str) -> Transport:
        """Return what a request goes through.

        Args:
            transport: what it would go through.
            provider: whose request it is.
            secret: the provider's key; empty where there is none.
        """


diversions: list[Diversion] = []
"""Those that hold; the last one counts."""


@contextmanager
def divert(diversion: Diversion) -> Iterator[None]:
    """Divert the requests of every :class:`HttpProvider` of this process, whoever made it, within the block."""
    diversions.append(diversion)
    try:
        yield
    finally:
        diversions.remove(diversion)


class AutoTransport:
    """aiohttp under asyncio, httpx2 under trio.

    Args:
        trust_env: honour the proxy variables of the environment.
    """

    def __init__(self, *, trust_env: bool = False) -> None:
        self._trust_env = trust_env
        self._on_asyncio: Transport | None = None
        self._on_trio: Transport | None = None

    def send(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        return self._current().send(request)

    def open(self, request: HttpRequest) -> Coroutine[Any, Any, ByteStream]:
        return self._current().open(request)

    async def aclose(self) -> None:
        chosen = self._on_trio if _in_trio() else self._on_asyncio
        if chosen is not None:
            await chosen.aclose()

    def _current(self) -> Transport:
        if _in_trio():
            if self._on_trio is None:
                self._on_trio = self._portable()
            return self._on_trio
        if self._on_asyncio is None:
            from llmring_providers.transport.aiohttp import AiohttpTransport  # noqa: PLC0415 - 0.2 s of import

            self._on_asyncio = AiohttpTransport(trust_env=self._trust_env)
        return self._on_asyncio

    def _portable(self) -> Transport:
        try:
            from llmring_providers.transport.httpx2 import Httpx2Transport  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ConfigurationError(
                "calls under trio need httpx2: pip install 'llmring[httpx2]'", original=error
            ) from error
        return Httpx2Transport(trust_env=self._trust_env)


def _in_trio() -> bool:
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())
