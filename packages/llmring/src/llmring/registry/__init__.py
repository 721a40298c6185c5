"""What is known of models: limits, capabilities, prices and dates.

:class:`Registry` answers from memory; :class:`RegistryClient` refreshes it over the network when asked to.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llmring.registry._cache import CachedCopy, RegistryCache, default_cache_dir
from llmring.registry._corrections import Correction
from llmring.registry._location import DEFAULT_URL
from llmring.registry._registry import Registry, SourceInfo
from llmring.registry._snapshot import PROVIDERS
from llmring.registry._wire import Publication

if TYPE_CHECKING:
    from llmring.registry._client import RegistryClient, Sender
    from llmring.registry._drift import Drift, PriceChange

# Only who asks a registry over the network needs these, and the transports that come with them.
_ON_USE = {"Drift": "_drift", "PriceChange": "_drift", "RegistryClient": "_client", "Sender": "_client"}

__all__ = [
    "DEFAULT_URL",
    "PROVIDERS",
    "CachedCopy",
    "Correction",
    "Drift",
    "PriceChange",
    "Publication",
    "Registry",
    "RegistryCache",
    "RegistryClient",
    "Sender",
    "SourceInfo",
    "default_cache_dir",
]


def __getattr__(name: str) -> Any:
    module = _ON_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
