"""From a provider's name to the function that builds it. Nothing is imported before it is used."""

from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import cast

from llmring_types.exceptions import ConfigurationError, ProviderNotFoundError

from llmring_providers._protocol import Provider
from llmring_providers._settings import ProviderSettings

ENTRY_POINT_GROUP = "llmring.providers"
"""The group in which other packages name their factories: ``acme = "acme_llm:create"``."""

ProviderFactory = Callable[[ProviderSettings], Provider]

BUILTIN = MappingProxyType(
    {
        "anthropic": "llmring_providers.anthropic",
        "openai": "llmring_providers.openai",
        "google": "llmring_providers.google",
        "ollama": "llmring_providers.ollama",
        "sim": "llmring_providers.sim",
    }
)
"""Providers of this package: name to the module whose ``create`` builds it."""


def find_factory(name: str) -> ProviderFactory:
    """Return the factory of a provider, of this package or of an installed one.

    Raises:
        ProviderNotFoundError: nobody offers this name.
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
