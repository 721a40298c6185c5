"""Proxies from the environment, looked up once per host instead of once per request."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


class EnvironmentProxies:
    """Knows the proxy of each host called so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str | None] = {}

    def proxy_for(self, url: str) -> str | None:
        """Return the proxy's URL, or ``None`` where the request goes straight to the host."""
        parts = urlsplit(url)
        key = parts.scheme, parts.netloc.rpartition("@")[2]
        if key not in self._known:
            self._known[key] = _look_up(*key)
        return self._known[key]


def _look_up(scheme: str, host: str) -> str | None:
    if proxy_bypass(host):
        return None
    proxies = getproxies()
    return proxies.get(scheme) or proxies.get("all")
