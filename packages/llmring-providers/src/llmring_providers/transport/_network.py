"""Keeps requests on this machine, for tests that must not reach a real provider by mistake."""

from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._failure import host_of


class Refusal:
    """What :func:`refuse_network` began; leaving it as a context manager ends it."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self in _refusals:
            _refusals.remove(self)


_refusals: list[Refusal] = []
_standing = Refusal(frozenset())


def refuse_network(*allowed: str) -> Refusal:
    """Let no request of any transport leave this machine, from now on or, as a context manager, until its end.

    Calls then fail with a :class:`ConfigurationError` that no failover hides. Loopback addresses stay allowed.

    Args:
        allowed: names of further hosts that may be reached. Where several refusals hold, the last one's count.
    """
    refusal = Refusal(frozenset(allowed))
    _refusals.append(refusal)
    return refusal


def refuse_network_for_good() -> None:
    """Refuse the network for as long as the process lives, wherever :func:`refuse_network` says nothing else."""
    if _standing not in _refusals:
        _refusals.insert(0, _standing)


def check_network(url: str) -> None:
    """See to it that a request to this URL may be sent.

    Raises:
        ConfigurationError: it would leave this machine, and that is refused.
    """
    if not _refusals:
        return
    host = _host(url)
    if host not in _refusals[-1].allowed and not _is_loopback(host):
        raise ConfigurationError(
            f"a request to {host_of(url)} was about to be sent, and the network is refused here (by refuse_network() "
            "or LLMRING_ALLOW_NETWORK=0): use a FakeProvider, a Simulator or a recording, or allow the host"
        )


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
