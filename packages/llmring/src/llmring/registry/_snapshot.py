"""The data that ships with the package, so that everything works without a network.

``data/PROVIDER/models.json`` is the published registry as it was when the snapshot was taken;
``data/genai-prices`` has prices from the genai-prices project. Each has its licence beside it;
``scripts/refresh_registry.py`` renews both. A file is read when its provider is first asked for, never at
import.
"""

from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec
from llmring_types import ModelFacts
from llmring_types.hosts import HostNames, host_of

from llmring.registry._wire import Publication, decode

_DATA = Path(__file__).with_name("data")
PROVIDERS: AbstractSet[str] = HostNames(lambda host: host.listed)
"""Hosts whose models the registry publishes."""


class _PriceList(msgspec.Struct):
    models: tuple[ModelFacts, ...]


class _Head(msgspec.Struct):
    version: int


def publication(provider: str) -> Publication | None:
    """Return the registry's models of a provider; ``None`` where it publishes none."""
    document = _document(provider)
    return (
        None
        if document is None
        else decode(document, provider, where=f"{provider}/models.json of the package")
    )


def version(provider: str) -> int:
    """Return the version of a provider's models without reading them; 0 where there are none."""
    document = _document(provider)
    return 0 if document is None else msgspec.json.decode(document, type=_Head).version


def price_list(provider: str) -> tuple[ModelFacts, ...]:
    """Return the models that genai-prices knows of a provider, with names, prices and perhaps a context window."""
    name = host_of(provider).price_list
    if name is None:
        return ()
    models = msgspec.json.decode(
        (_DATA / "genai-prices" / f"{name}.json").read_bytes(), type=_PriceList
    ).models
    if name == provider:
        return models
    return tuple(msgspec.structs.replace(facts, provider=provider) for facts in models)


def _document(provider: str) -> bytes | None:
    """Return the published document that ships with the package; a host that was added later has none."""
    path = _DATA / provider / "models.json"
    return path.read_bytes() if provider in PROVIDERS and path.is_file() else None
