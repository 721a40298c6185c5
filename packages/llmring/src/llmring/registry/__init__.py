"""Facts about models: limits, capabilities, prices and dates.

:class:`Registry` answers from memory; :class:`RegistryClient` refreshes it over the network when asked to.
"""

from typing import TYPE_CHECKING

from llmring_types.lazy import load_on_use

from llmring.registry._cache import CachedCopy, RegistryCache, default_cache_dir
from llmring.registry._location import DEFAULT_URL
from llmring.registry._registry import Registry, SourceInfo
from llmring.registry._snapshot import PROVIDERS, Correction
from llmring.registry._wire import Drift, PriceChange, Publication

if TYPE_CHECKING:
    from llmring.registry._client import RegistryClient, Sender

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

if not TYPE_CHECKING:
    # Needed only to ask a registry over the network, as are the transports that they load.
    _load, __dir__ = load_on_use(
        globals(),
        {"llmring.registry._client": ("RegistryClient", "Sender")},
    )

    def __getattr__(name: str) -> object:
        if name in {"RegistryModel", "RegistrySourceInfo", "RegistryVersion"}:
            from llmring._moved import moved  # noqa: PLC0415 - deprecated

            places = {
                "RegistryModel": "llmring_types.ModelFacts",
                "RegistrySourceInfo": "llmring.registry.SourceInfo",
                "RegistryVersion": "llmring.registry.Publication",
            }
            return moved(__name__, places, stacklevel=3)(name)
        return _load(name)
