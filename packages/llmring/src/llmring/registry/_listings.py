"""Facts that hosts state in their own lists of models, in the user's cache folder.

A list is kept when somebody requests it (``llmring list --live``), one file per provider, and answers where neither the
registry nor the price list knows a model. Only names, context windows and prices are kept. What a host says is not
trusted: counts and prices have bounds, and a list from any address but the host's own is not kept at all, so that a
proxy, or a project's own host of the same name, never states the facts of another.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from llmring_types import ModelFacts, Prices
from llmring_types.hosts import host_of

from llmring._json import DECODE_ERRORS
from llmring.registry._location import is_provider_name

MAX_AGE = 30 * 86_400.0
"""Seconds after which a list no longer answers: prices change."""

_FOLDER = "hosts"
_MOST_BYTES = 8_000_000
_MOST_MODELS = 20_000
_DEAREST = Decimal(1_000_000)
_CHEAPEST = Decimal("1e-9")
"""Dollars per million tokens; a price above or below is a mistake, or meant to break a sum. Zero is a price."""

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
_Count = Annotated[int, msgspec.Meta(gt=0, le=1_000_000_000)]


class ListedModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of one entry. Prices are US dollars per million tokens."""

    model: _Name
    display_name: _Name | None = None
    context_window: _Count | None = None
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The list of one host.

    Attributes:
        address: the base URL that it came from.
        listed_at: the time of the request, in seconds since 1970.
        models: the entries that state more than a name.
    """

    address: str
    listed_at: float
    models: Annotated[list[ListedModel], msgspec.Meta(max_length=_MOST_MODELS)]


_decoder = msgspec.json.Decoder(Listing)


class Listings:
    """The lists of all hosts.

    Args:
        folder: the cache folder of all registries; ``None`` keeps nothing.
        now: the clock, in seconds since 1970.
    """

    def __init__(self, folder: Path | None, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now

    def path(self, provider: str) -> Path | None:
        """Return the file of a host's list."""
        if self._folder is None or not is_provider_name(provider):
            return None
        return self._folder / _FOLDER / f"{provider}.json"

    def store(self, provider: str, address: str | None, models: Iterable[ModelFacts]) -> bool:
        """Keep what a host's list states, in place of the last one; return whether there was something to keep.

        ``None`` is the host's own address.
        """
        path, host = self.path(provider), host_of(provider)
        own = host.default_url
        if path is None or host.local or own is None or (address or own).rstrip("/") != own:
            return False
        kept = [entry for facts in models if (entry := _entry(facts)) is not None][:_MOST_MODELS]
        data = msgspec.json.encode(Listing(address=own, listed_at=self._now(), models=kept))
        return bool(kept) and len(data) <= _MOST_BYTES and _write(path, data)

    def load(self, provider: str) -> Mapping[str, ModelFacts]:
        """Return the models of a host's list by name; none where there is no list that can be used."""
        path = self.path(provider)
        listing = _read(path) if path is not None else None
        if listing is None or listing.address != host_of(provider).default_url:
            return {}
        if not 0 <= self._now() - listing.listed_at < MAX_AGE:
            return {}
        return {entry.model: _facts(entry, provider) for entry in listing.models}


def _entry(facts: ModelFacts) -> ListedModel | None:
    """Return what is kept of a model; ``None`` where its list says no more than its name, or nothing that can be."""
    prices = facts.prices
    raw = {
        "model": facts.model,
        "display_name": facts.display_name,
        "context_window": facts.context_window,
        "input": prices.input,
        "output": prices.output,
        "cache_read": prices.cache_read,
    }
    if raw["context_window"] is None and prices.input is None:
        return None
    try:
        entry = msgspec.convert(raw, ListedModel)
    except msgspec.ValidationError:
        return None
    return entry if _is_sane(entry) else None


def _is_sane(entry: ListedModel) -> bool:
    prices = [price for price in (entry.input, entry.output, entry.cache_read) if price is not None]
    return all(price.is_finite() and (not price or _CHEAPEST <= price <= _DEAREST) for price in prices)


def _facts(entry: ListedModel, provider: str) -> ModelFacts:
    priced = entry.input is not None and entry.output is not None and _is_sane(entry)
    return ModelFacts(
        provider=provider,
        model=entry.model,
        display_name=entry.display_name,
        context_window=entry.context_window,
        prices=Prices(
            input=entry.input,
            output=entry.output,
            cache_read=entry.cache_read,
            source=f"{provider}'s list of models",
        )
        if priced
        else Prices(),
    )


def _read(path: Path) -> Listing | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return _decoder.decode(path.read_bytes())
    except (OSError, *DECODE_ERRORS):
        return None


def _write(path: Path, data: bytes) -> bool:
    from llmring_lockfile import write_atomically  # noqa: PLC0415 - most processes list nothing

    try:
        write_atomically(path, data, folders=True)
    except OSError:
        return False
    return True
