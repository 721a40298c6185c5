"""The data that ships with the package, so that everything works without a network.

``data/PROVIDER/models.json`` is the published registry as it was when the snapshot was taken;
``data/genai-prices`` has prices from the genai-prices project. Each has its licence beside it;
``data/corrections.json`` has what the registry is known to have wrong, each row with the vendor's page.
``scripts/refresh_registry.py`` renews both. A file is read when its provider is first asked for, never at
import.
"""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
from llmring_types import ModelFacts
from llmring_types.hosts import HostNames, host_of

from llmring.registry._wire import Publication, decode

_DATA = Path(__file__).with_name("data")
PROVIDERS: AbstractSet[str] = HostNames(lambda host: host.listed)
"""Hosts whose models the registry publishes."""


class _PriceList(msgspec.Struct):
    models: tuple[ModelFacts, ...]


class Correction(NamedTuple):
    """One fact about one model that the registry has wrong.

    Attributes:
        field: of :class:`ModelFacts`.
        published: what the registry says.
        value: what is so.
        source: the vendor's page.
    """

    field: str
    published: str | bool
    value: str | bool
    source: str


class _CorrectionRow(msgspec.Struct, forbid_unknown_fields=True):
    provider: str
    model: str
    field: str
    published: str | bool
    value: str | bool
    source: str


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
    """Return the models that genai-prices knows of a provider, with names, prices and perhaps a context window.

    A model that is not on the provider's own list has the price of the list that its row names for such models.
    """
    host = host_of(provider)
    listed = {facts.model: facts for name in (host.price_fallback, host.price_list) for facts in _list(name)}
    return tuple(
        facts if facts.provider == provider else msgspec.structs.replace(facts, provider=provider)
        for facts in listed.values()
    )


def _list(name: str | None) -> tuple[ModelFacts, ...]:
    path = _DATA / "genai-prices" / f"{name}.json"
    if name is None or not path.is_file():
        return ()
    return msgspec.json.decode(path.read_bytes(), type=_PriceList).models


def _document(provider: str) -> bytes | None:
    """Return the published document that ships with the package; a host that was added later has none."""
    path = _DATA / provider / "models.json"
    return path.read_bytes() if provider in PROVIDERS and path.is_file() else None


@cache
def corrections() -> Mapping[tuple[str, str], tuple[Correction, ...]]:
    """Return what the registry is known to have wrong, by provider and model.

    A row holds only while the registry says what the row says it does: once the publisher corrects an entry, or says
    something else, the row has no effect, and a test asks for its removal. Prices are never corrected; those that
    are missing come from the price list. docs/decisions/2026-11-26-corrections-to-the-registry.md
    """
    found: defaultdict[tuple[str, str], tuple[Correction, ...]] = defaultdict(tuple)
    for row in msgspec.json.decode((_DATA / "corrections.json").read_bytes(), type=list[_CorrectionRow]):
        found[row.provider, row.model] += (Correction(row.field, row.published, row.value, row.source),)
    return MappingProxyType(dict(found))
