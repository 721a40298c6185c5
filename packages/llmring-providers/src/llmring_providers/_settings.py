"""The settings of a provider, and the factory that builds one from them, imported when its name is first asked for."""

import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import msgspec
from llmring_types.exceptions import ConfigurationError, ProviderNotFoundError
from llmring_types.hosts import HOSTS, Protocol, host_of

from llmring_providers._protocol import Adapter, Provider
from llmring_providers.transport import Transport
from llmring_providers.transport._protocol import MAX_RESPONSE_BYTES, without_credentials

KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
"""Returns a key, or an awaitable of one. A plain function runs in a worker thread, since it may ask the network."""


AwaitedKeySource: TypeAlias = Callable[[], Awaitable[str]]
"""A key source that is asynchronous for certain, as SDKs take it."""
ENTRY_POINT_GROUP = "llmring.providers"
"""The group in which other packages name their factories: ``acme = "acme_llm:create"``."""
_MODULES: Mapping[Protocol, str] = MappingProxyType(
    {
        "openai": "llmring_providers.openai",
        "responses": "llmring_providers.openai",
        "anthropic": "llmring_providers.anthropic",
        "gemini": "llmring_providers.google",
        "ollama": "llmring_providers.ollama",
        "bedrock": "llmring_providers.bedrock",
        "sim": "llmring_providers.sim",
        "local": "llmring_providers.local",
    }
)
"""The module of each protocol; its ``create`` builds a provider."""
_ADAPTERS: Mapping[Protocol, str] = MappingProxyType(
    {
        "openai": "OpenAIAdapter",
        "responses": "ResponsesAdapter",
        "anthropic": "AnthropicAdapter",
        "gemini": "GoogleAdapter",
        "ollama": "OllamaAdapter",
        "bedrock": "BedrockAdapter",
    }
)


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
        """Return the base URL: that given, else that of the host of this name.

        It is empty where an SDK client brings an address of its own.

        Raises:
            ConfigurationError: none is given, and the host has none, or those of its accounts. The address of the
                vendor of the protocol is never taken instead: the key of one host would go to another.
        """
        if self.base_url:
            return self.base_url
        host = host_of(self.name)
        if host.default_url is not None:
            return host.default_url
        if self.client is not None:
            return ""
        if host.url_template is not None:
            raise ConfigurationError(
                f"every account of {self.name!r} has an address of its own: "
                f"set {' and '.join(host.url_sources({}))}, or base_url"
            )
        raise ConfigurationError(
            f"the provider {self.name!r} speaks the protocol {protocol!r} at no known address: "
            f"set {' or '.join(host.base_url_variables)}, or base_url"
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


ProviderFactory = Callable[[ProviderSettings], Provider]


class _BuiltIn(Mapping[str, str]):
    """A view of the table of hosts: name to the module that speaks the protocol."""

    def __getitem__(self, name: str) -> str:
        protocol = HOSTS[name].protocol
        if protocol is None:
            raise KeyError(name)
        return _MODULES[protocol]

    def __iter__(self) -> Iterator[str]:
        return (host.name for host in tuple(HOSTS.values()) if host.protocol is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


BUILTIN: Mapping[str, str] = _BuiltIn()
"""Hosts that need no other package: name to the module whose ``create`` builds the provider."""


def installed_providers() -> frozenset[str]:
    """Return the names of the providers that installed packages bring. It looks at the metadata of all of them."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only for providers of others

    return frozenset(entry.name for entry in entry_points(group=ENTRY_POINT_GROUP))


def find_factory(name: str) -> ProviderFactory:
    """Return the factory of a provider: of a host in the table, or of an installed package.

    Raises:
        ProviderNotFoundError: neither has this name.
        ConfigurationError: the package that offers it cannot be loaded.
    """
    module = BUILTIN.get(name)
    if module is not None:
        return cast("ProviderFactory", import_module(module).create)
    from importlib.metadata import entry_points  # noqa: PLC0415 - slow, and only for providers of others

    for entry in entry_points(group=ENTRY_POINT_GROUP, name=name):
        try:
            return cast("ProviderFactory", entry.load())
        except (ImportError, AttributeError) as error:
            package = entry.dist.name if entry.dist is not None else entry.module
            raise ConfigurationError(
                f"provider {name!r} of the package {package!r} cannot be loaded from {entry.value!r}: {error}",
                original=error,
            ) from error
    raise ProviderNotFoundError(
        f"there is no provider {name!r}; known are {', '.join(sorted(BUILTIN))}, "
        f"and what installed packages offer in the entry-point group {ENTRY_POINT_GROUP!r}",
        provider=name,
    )


def find_adapter(protocol: str) -> Adapter:
    """Return an adapter for a wire protocol of :data:`llmring_types.hosts.Protocol`.

    Raises:
        ProviderNotFoundError: no adapter speaks it.
    """
    for name, adapter in _ADAPTERS.items():
        if name == protocol:
            return cast("Adapter", getattr(import_module(_MODULES[name]), adapter)())
    raise ProviderNotFoundError(f"no adapter speaks the protocol {protocol!r}; use {', '.join(_ADAPTERS)}")
