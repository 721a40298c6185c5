"""From the name of a provider to the function that builds it. Modules are imported when they are first needed."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import cast

from llmring_types.exceptions import ConfigurationError, ProviderNotFoundError
from llmring_types.hosts import HOSTS, Protocol

from llmring_providers._adapter import Adapter
from llmring_providers._protocol import Provider
from llmring_providers._settings import ProviderSettings

ENTRY_POINT_GROUP = "llmring.providers"
"""The group in which other packages name their factories: ``acme = "acme_llm:create"``."""

ProviderFactory = Callable[[ProviderSettings], Provider]

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
