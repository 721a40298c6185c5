"""What is known of models: limits, capabilities, prices and dates.

:class:`Registry` answers from memory; :class:`RegistryClient` refreshes it over the network when asked to.
"""

from llmring.registry._cache import CachedCopy, RegistryCache, default_cache_dir
from llmring.registry._client import RegistryClient, Sender
from llmring.registry._drift import Drift, PriceChange
from llmring.registry._location import DEFAULT_URL
from llmring.registry._registry import Registry, SourceInfo
from llmring.registry._snapshot import PROVIDERS
from llmring.registry._wire import Publication

__all__ = [
    "DEFAULT_URL",
    "PROVIDERS",
    "CachedCopy",
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
