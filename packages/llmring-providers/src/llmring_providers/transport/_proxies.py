"""Proxies: those of the environment, looked up once per host instead of once per request, and their errors."""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport._protocol import ProxyRefusalError, host_of

AUTHENTICATION_REQUIRED = 407
_SOCKS = ("socks5", "socks5h")
_SCHEMES = ("http", "https", *_SOCKS)
_PORTS = {"http": 80, "https": 443}


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        url: with its scheme; it may hold a password.
        source: the environment variable that names it, or ``proxy=``.
    """

    url: str
    source: str

    def __repr__(self) -> str:
        return f"Proxy({host_of(self.url)!r}, source={self.source!r})"

    @property
    def is_socks(self) -> bool:
        return self.url.startswith(_SOCKS)

    def refusal(self, url: str) -> ProxyRefusalError:
        """Build the error for its status 407 to a request for this URL."""
        host = host_of(self.url)
        given = "@" in urlsplit(self.url).netloc
        asks = (
            "does not take the name and password that it was given"
            if given
            else "asks for a name and a password"
        )
        return ProxyRefusalError(
            f"{host_of(url)}: the proxy {host} {asks} (407): set {self.source} to "
            f"{urlsplit(self.url).scheme}://NAME:PASSWORD@{host}"
        )


def read_proxy(text: str, source: str) -> Proxy:
    """Read a proxy's URL; one without a scheme is an HTTP proxy, as curl has it.

    Raises:
        ConfigurationError: it is of another kind.
    """
    url = text.strip()
    scheme, mark, rest = url.partition("://")
    if not mark:
        scheme, rest = "http", url
    if scheme.lower() not in _SCHEMES:
        raise ConfigurationError(
            f"{source} names a proxy of the kind {scheme}://, which is not supported: a SOCKS proxy is written "
            "socks5:// or socks5h://, an HTTP proxy http:// or https://"
        )
    url = f"{scheme.lower()}://{rest}"
    if not _has_address(url):
        raise ConfigurationError(
            f"{source} is not the address of a proxy: write {scheme.lower()}://HOST:PORT"
        )
    return Proxy(url, source)


def _has_address(url: str) -> bool:
    """Return whether a host is named, and a port that can be one, if any."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


class EnvironmentProxies:
    """The proxies that ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` name.

    The variables are read when a host is first called.

    Args:
        environ: the environment.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._known: dict[tuple[str, str], Proxy | None] = {}

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy, or ``None`` where the request goes straight to the host.

        Raises:
            ConfigurationError: it is of a kind that is not supported.
            ValueError: the URL is none.
        """
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc.rpartition("@")[2]
        if key not in self._known:
            self._known[key] = self._look_up(parts.scheme, parts.hostname or "", parts.port)
        return self._known[key]

    def _look_up(self, scheme: str, host: str, port: int | None) -> Proxy | None:
        for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper(), "all_proxy", "ALL_PROXY"):
            text = self._environ.get(name, "").strip()
            if name == "HTTP_PROXY" and "REQUEST_METHOD" in self._environ:
                continue  # a CGI script, where it comes from a header of the request: https://httpoxy.org
            if text:
                return None if self._is_excepted(host, port or _PORTS.get(scheme)) else read_proxy(text, name)
        return None

    def _is_excepted(self, host: str, port: int | None) -> bool:
        text = self._environ.get("no_proxy") or self._environ.get("NO_PROXY") or ""
        return any(_matches(entry, host, port) for entry in text.replace(",", " ").split())


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Return whether an entry of ``NO_PROXY`` covers the host: ``*``, a domain, an address or a network.

    All but a network may have a port.
    """
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in(host, entry)
    wanted, mark, of_port = entry.rpartition(":")
    if not mark or not of_port.isdecimal() or (":" in wanted and not wanted.endswith("]")):
        wanted = entry  # without a port; a bare IPv6 address has colons of its own
    elif port != int(of_port):
        return False
    wanted = wanted.strip("[]").lower().removeprefix("*").removeprefix(".").rstrip(".")
    host = host.lower().rstrip(".")
    return bool(wanted) and (host == wanted or host.endswith(f".{wanted}") or _is_same_address(host, wanted))


def _is_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _is_same_address(host: str, wanted: str) -> bool:
    try:
        return ip_address(host) == ip_address(wanted)
    except ValueError:
        return False
