"""The settings of a provider."""

from typing import Any

import msgspec
from llmring_types.hosts import HOSTS, Protocol, host_of

from llmring_providers.transport import Transport
from llmring_providers.transport._protocol import MAX_RESPONSE_BYTES, without_credentials

__all__ = ["ProviderSettings", "without_credentials"]


class ProviderSettings(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that a provider may need to know; it reads no environment of its own.

    Attributes:
        name: the first half of references to its models.
        transport: moves the bytes; shared, so a provider does not close it.
        api_key: empty where there is none.
        base_url: ``None`` means that of the host.
        client: an async client of the vendor's SDK, to be used instead of the three above: with its address, its keys
            and its connections. It stays the user's: it is never closed here.
        max_response_bytes: the limit on the size of an answer, after decompression; ``None`` for no limit. That of a
            request comes before it.
        loopback_only: no request may leave this machine, through such a client either.
    """

    name: str
    transport: Transport
    api_key: str = ""
    base_url: str | None = None
    client: Any = None
    max_response_bytes: int | None = MAX_RESPONSE_BYTES
    loopback_only: bool = False

    def address(self, protocol: Protocol) -> str:
        """Return the base URL: that given, else that of the host of this name, else that of the protocol's vendor."""
        if self.base_url:
            return self.base_url
        url = host_of(self.name).default_url
        if url is not None:
            return url
        return next(
            host.default_url for host in HOSTS.values() if host.protocol == protocol and host.default_url
        )

    def __repr__(self) -> str:
        base_url = self.base_url and without_credentials(self.base_url)
        return f"ProviderSettings(name={self.name!r}, base_url={base_url!r})"
