"""The data that ships with the package, so that everything works without a network.

``data/PROVIDER/models.json`` is the published registry as it was when the snapshot was taken;
``data/genai-prices`` has prices from the genai-prices project. Each has its licence beside it;
``scripts/refresh_registry.py`` renews both. A file is read when its provider is first asked for, never at
import.
"""

from pathlib import Path

import msgspec
from llmring_types import ModelFacts

from llmring.registry._wire import Publication, decode

_DATA = Path(__file__).with_name("data")
PROVIDERS = ("anthropic", "google", "openai")
"""The providers whose models ship with the package."""


class _PriceList(msgspec.Struct):
    models: tuple[ModelFacts, ...]


class _Head(msgspec.Struct):
    version: int


def publication(provider: str) -> Publication | None:
    """Return the registry's models of a provider; ``None`` where it publishes none."""
    if provider not in PROVIDERS:
        return None
    path = _DATA / provider / "models.json"
    return decode(path.read_bytes(), provider, where=f"{provider}/models.json of the package")


def version(provider: str) -> int:
    """Return the version of a provider's models without reading them; 0 where there are none."""
    if provider not in PROVIDERS:
        return 0
    return msgspec.json.decode((_DATA / provider / "models.json").read_bytes(), type=_Head).version


def price_list(provider: str) -> tuple[ModelFacts, ...]:
    """Return the models that genai-prices knows of a provider, with names, prices and perhaps a context window."""
    if provider not in PROVIDERS:
        return ()
    path = _DATA / "genai-prices" / f"{provider}.json"
    return msgspec.json.decode(path.read_bytes(), type=_PriceList).models
