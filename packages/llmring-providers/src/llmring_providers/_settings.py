"""What a provider is built from."""

from typing import Any

import msgspec

from llmring_providers.transport import Transport


class ProviderSettings(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that a provider may need to know; it reads no environment of its own.

    Attributes:
        name: the first half of references to its models.
        transport: moves the bytes; shared, so a provider does not close it.
        api_key: empty where there is none.
        base_url: ``None`` means the provider's own.
        client: an async client of the vendor's SDK, to be used instead of the three above: with its address, its keys
            and its connections. It stays the user's: it is never closed here.
        loopback_only: no request may leave this machine, through such a client either.
    """

    name: str
    transport: Transport
    api_key: str = ""
    base_url: str | None = None
    client: Any = None
    loopback_only: bool = False

    def __repr__(self) -> str:
        base_url = self.base_url and without_credentials(self.base_url)
        return f"ProviderSettings(name={self.name!r}, base_url={base_url!r})"


def without_credentials(url: str) -> str:
    """Return the URL without user and password, and with ``?…`` for a query, which may hold a key."""
    url, query, _ = url.partition("?")
    head, mark, rest = url.partition("//")
    host, slash, path = rest.partition("/")
    return head + mark + host.rpartition("@")[2] + slash + path + ("?…" if query else "")
