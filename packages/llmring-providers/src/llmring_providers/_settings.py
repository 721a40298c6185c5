"""The settings of a provider."""

import typing
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import HOSTS, Protocol, host_of

from llmring_providers.transport import Transport
from llmring_providers.transport._protocol import MAX_RESPONSE_BYTES, without_credentials

__all__ = [
    "AwaitedKeySource",
    "ClientFactory",
    "KeySource",
    "ProviderSettings",
    "plain_key",
    "without_credentials",
]

KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a key, or an awaitable of one. A plain function runs in a worker thread, since it may ask the network."""


AwaitedKeySource: TypeAlias = Callable[[], Awaitable[str]]
"""A key source that is asynchronous for certain, as SDKs take it."""


class ClientFactory(typing.Protocol):
    """Builds the vendor's async SDK client."""

    def __call__(self, *, api_key: str | AwaitedKeySource, base_url: str) -> Any:
        """Return the client, with the provider's own key and base URL.

        Raises:
            ConfigurationError: the SDK takes no function that gives the key.
        """


class ProviderSettings(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that a provider may need to know; it reads no environment of its own.

    Attributes:
        name: the first half of references to its models.
        transport: moves the bytes; shared, so a provider does not close it.
        api_key: empty where there is none; or a function, async or not, that returns it. Its key is cached until the
            host refuses it.
        base_url: ``None`` means that of the host.
        client: an async client of the vendor's SDK, to be used instead of the three above: with its address, its keys
            and its connections. It stays the user's: it is never closed here.
        max_response_bytes: the limit on the size of an answer, after decompression; ``None`` for no limit. That of a
            request comes before it.
        loopback_only: no request may leave this machine, through such a client either.
    """

    name: str
    transport: Transport
    api_key: str | KeySource = ""
    base_url: str | None = None
    client: Any = None
    max_response_bytes: int | None = MAX_RESPONSE_BYTES
    loopback_only: bool = False

    def address(self, protocol: Protocol) -> str:
        """Return the base URL: that given, else that of the host of this name, else that of the protocol's vendor.

        It is empty where an SDK client brings the address of an account.

        Raises:
            ConfigurationError: the addresses of the host are those of accounts, and none is given.
        """
        if self.base_url:
            return self.base_url
        host = host_of(self.name)
        if host.default_url is not None:
            return host.default_url
        if host.url_template is None:
            return next(
                each.default_url for each in HOSTS.values() if each.protocol == protocol and each.default_url
            )
        if self.client is not None:
            return ""
        raise ConfigurationError(
            f"every account of {self.name!r} has an address of its own: "
            f"set {' and '.join(host.url_sources({}))}, or base_url"
        )

    def __repr__(self) -> str:
        base_url = self.base_url and without_credentials(self.base_url)
        return f"ProviderSettings(name={self.name!r}, base_url={base_url!r})"


def plain_key(api_key: str | AwaitedKeySource, provider: str) -> str:
    """Return the key for a vendor's SDK client that takes text alone.

    Raises:
        ConfigurationError: a function gives the key.
    """
    if isinstance(api_key, str):
        return api_key
    raise ConfigurationError(
        f"raw access to {provider!r} takes no function for its key: build the SDK's client and pass it as client="
    )
