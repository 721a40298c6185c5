"""Keeps requests on this machine, for tests that must not reach a real provider by mistake."""

from collections.abc import Coroutine
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._failure import host_of
from llmring_providers.transport._protocol import ByteStream, HttpRequest, HttpResponse, Transport


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
