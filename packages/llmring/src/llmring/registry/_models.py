"""One provider's models: found by any of their names, corrected, and filled from the price list and the host's own.

Exact names win over aliases: a snapshot that has an entry of its own may also stand, at another price, among the
aliases of a later one. A name that is neither is tried without what does not change the model: Google's ``models/``,
the date or number of a snapshot, ``-latest``. A name without a date finds the model's newest snapshot.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

import msgspec
from llmring_types import ModelFacts, Prices
from llmring_types.hosts import host_of

from llmring.registry import _snapshot
from llmring.registry._snapshot import Correction
from llmring.registry._wire import Publication

Origin = Literal["registry", "cache", "snapshot"]

_MEMO_SIZE = 1024
_SIMULATED = Prices(input=Decimal(0), output=Decimal(0), source="sim")
# gpt-4o-2024-08-06, claude-sonnet-4-5-20250929, gemini-2.5-flash-preview-09-2025, gemini-2.5-flash-preview-05-20
_DATE = re.compile(
    r"-20\d\d-[01]\d-[0-3]\d$|[-@]20\d\d[01]\d[0-3]\d$|(?<=-preview)-[01]\d-(?:20\d\d|[0-3]\d)$"
)
# gemini-2.0-flash-001: https://ai.google.dev/gemini-api/docs/models#model-versions
_REVISION = re.compile(r"-00\d$")
_CACHE = ("cache_read", "cache_write_5m", "cache_write_1h")
_LONG = (
    "long_threshold",
    "long_input",
    "long_output",
    "long_cache_read",
    "long_cache_write_5m",
    "long_cache_write_1h",
)


class ProviderModels:
    """The models of one provider.

    Args:
        provider: whose models.
        publication: the published document; ``None`` where there is none.
        origin: where the document was found.
        checked_at: the time at which the registry last confirmed it.
        problem: why a better origin was not used.
        listing: reads the models of the host's own list, for what nobody else knows.
    """

    def __init__(
        self,
        provider: str,
        publication: Publication | None,
        origin: Origin,
        *,
        checked_at: float | None = None,
        problem: str | None = None,
        listing: Callable[[], Mapping[str, ModelFacts]] = dict,
    ) -> None:
        self.provider = provider
        self.publication = publication
        self.origin = origin
        self.checked_at = checked_at
        self.problem = problem
        self._priced = Names(_snapshot.price_list(provider))
        published = publication.models if publication is not None else ()
        self.corrections = {facts.model: rows for facts in published if (rows := corrections_of(facts))}
        """By model: the known errors of the document."""
        self.models = tuple(
            fill(corrected(facts, self.corrections.get(facts.model, ())), self._priced.find(facts.model))
            for facts in published
        )
        self._names = Names(self.models)
        self._memo: dict[str, ModelFacts | None] = {}
        self._listing = listing
        self._listed: Mapping[str, ModelFacts] | None = None

    def find(self, model: str) -> ModelFacts | None:
        """Find a model by any of its names, ``None`` if nothing is known of it."""
        memo = self._memo
        if model in memo:
            return memo[model]
        if len(memo) >= _MEMO_SIZE:
            memo.clear()
        facts = memo[model] = self._complete(model, self._search(model))
        return facts

    def relist(self) -> None:
        """Read the host's own list again at the next question."""
        self._listed = None
        self._memo.clear()

    def published(self, model: str) -> ModelFacts | None:
        """Find a model by any of its names among those published."""
        return self._names.find(model)

    def _search(self, model: str) -> ModelFacts | None:
        exact = self._names.exact(model)
        if exact is not None:
            return exact
        near, priced = self._names.find(model), self._priced.exact(model)
        # A snapshot that the price list names by itself may cost something else than the model it is one of.
        if near is not None and (priced is None or _same_price(near.prices, priced.prices)):
            return near
        return priced or self._priced.find(model)

    def _complete(self, model: str, known: ModelFacts | None) -> ModelFacts | None:
        """Fill in what only the host's own list states; it is read when the other sources leave something open."""
        if known is not None and known.context_window is not None and known.prices.input is not None:
            return known
        if self._listed is None:
            self._listed = self._listing()
        listed = self._listed.get(model)
        return fill(known, listed) if known is not None else listed or self._unpublished(model)

    def _unpublished(self, model: str) -> ModelFacts | None:
        host = host_of(self.provider)
        if host.protocol == "sim":
            return ModelFacts(provider=self.provider, model=model, prices=_SIMULATED)
        if host.local:
            return ModelFacts(provider=self.provider, model=model)
        return None


def _same_price(one: Prices, other: Prices) -> bool:
    return one.input == other.input and one.output == other.output


class Names:
    """The names of one provider's models; each :meth:`find` is a few dictionary look-ups."""

    def __init__(self, models: Iterable[ModelFacts]) -> None:
        self._known: dict[str, ModelFacts] = {}
        self._newest: dict[str, ModelFacts] = {}
        # The last one written wins: exact names over aliases, served models over retired ones, newer over older.
        ranked = sorted(models, key=lambda facts: (facts.active is not False, facts.model))
        for facts in ranked:
            self._known.update(dict.fromkeys(facts.aliases, facts))
        for facts in ranked:
            self._known[facts.model] = facts
            base = _DATE.sub("", facts.model)
            if base != facts.model:
                self._newest[base] = facts

    def exact(self, name: str) -> ModelFacts | None:
        """Find a model by its own name or one of its aliases."""
        return self._known.get(name.removeprefix("models/"))

    def find(self, name: str) -> ModelFacts | None:
        """Find a model by any of the names described above."""
        name = name.removeprefix("models/")
        known = self._known
        found = known.get(name) or known.get(_DATE.sub("", name)) or known.get(_REVISION.sub("", name))
        if found is None:
            base = name.removesuffix("-latest")
            found = known.get(base) or self._newest.get(base)
        return found


def corrections_of(published: ModelFacts) -> tuple[Correction, ...]:
    """Return the corrections that apply to an entry as it was published."""
    rows = _snapshot.corrections().get((published.provider, published.model), ())
    return tuple(row for row in rows if getattr(published, row.field) == row.published)


def corrected(published: ModelFacts, rows: Iterable[Correction]) -> ModelFacts:
    """Return the facts with these corrections."""
    changes = {row.field: row.value for row in rows}
    return msgspec.structs.replace(published, **changes) if changes else published


def fill(facts: ModelFacts, other: ModelFacts | None) -> ModelFacts:
    """Return the facts with the prices and the context window that only the other source knows.

    Prices are taken over only where both sources agree on what both know of input and output: otherwise they speak
    of different things or different times, and a mixture would be neither.
    """
    if other is None:
        return facts
    changes: dict[str, Any] = {}
    prices = _fill_prices(facts.prices, other.prices)
    if prices is not facts.prices:
        changes["prices"] = prices
    if other.tiers and not facts.tiers and not _contradicts(facts.prices, other.prices, "input", "output"):
        changes["tiers"] = other.tiers
    if facts.context_window is None and other.context_window is not None:
        changes["context_window"] = other.context_window
    return msgspec.structs.replace(facts, **changes) if changes else facts


def _fill_prices(prices: Prices, other: Prices) -> Prices:
    if _contradicts(prices, other, "input", "output"):
        return prices
    names = ["input", "output", *_CACHE]
    if prices.long_threshold is None or not _contradicts(prices, other, *_LONG[:3]):
        names += _LONG
    missing = {name: getattr(other, name) for name in names if getattr(prices, name) is None}
    found = {name: value for name, value in missing.items() if value is not None}
    if not found:
        return _with_searches(prices, other)
    alone = prices.input is None and prices.output is None
    source = other.source if alone else f"{prices.source}, {other.source}"
    return _with_searches(msgspec.structs.replace(prices, **found, source=source), other)


def _with_searches(prices: Prices, other: Prices) -> Prices:
    """Fill the price of searches, which is no price of tokens: ``source`` stays as it is."""
    if prices.web_search is not None or other.web_search is None:
        return prices
    return msgspec.structs.replace(prices, web_search=other.web_search)


def _contradicts(prices: Prices, other: Prices, *names: str) -> bool:
    pairs = ((getattr(prices, name), getattr(other, name)) for name in names)
    return any(ours is not None and theirs is not None and ours != theirs for ours, theirs in pairs)
