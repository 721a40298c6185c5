"""One provider's models, indexed by every name they go by, corrected, and filled from the price list."""

from decimal import Decimal
from typing import Literal

from llmring_types import ModelFacts, Prices
from llmring_types.hosts import host_of

from llmring.registry import _snapshot
from llmring.registry._corrections import corrected, corrections_of
from llmring.registry._merge import fill
from llmring.registry._names import Names
from llmring.registry._wire import Publication

Origin = Literal["registry", "cache", "snapshot"]

_MEMO_SIZE = 1024
_SIMULATED = Prices(input=Decimal(0), output=Decimal(0), source="sim")


class ProviderModels:
    """What one provider offers.

    Args:
        provider: whose models.
        publication: the published document; ``None`` where nobody publishes one.
        origin: where the document was found.
        checked_at: when the registry last confirmed it.
        problem: why a better origin was not used.
    """

    def __init__(
        self,
        provider: str,
        publication: Publication | None,
        origin: Origin,
        *,
        checked_at: float | None = None,
        problem: str | None = None,
    ) -> None:
        self.provider = provider
        self.publication = publication
        self.origin = origin
        self.checked_at = checked_at
        self.problem = problem
        self._priced = Names(_snapshot.price_list(provider))
        published = publication.models if publication is not None else ()
        self.corrections = {facts.model: rows for facts in published if (rows := corrections_of(facts))}
        """By model: what the document says of it that is known to be wrong."""
        self.models = tuple(
            fill(corrected(facts, self.corrections.get(facts.model, ())), self._priced.find(facts.model))
            for facts in published
        )
        self._names = Names(self.models)
        self._memo: dict[str, ModelFacts | None] = {}

    def find(self, model: str) -> ModelFacts | None:
        """Find a model by any of its names, ``None`` if nothing is known of it."""
        memo = self._memo
        if model in memo:
            return memo[model]
        if len(memo) >= _MEMO_SIZE:
            memo.clear()
        facts = memo[model] = self._search(model)
        return facts

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
        return priced or self._priced.find(model) or self._unpublished(model)

    def _unpublished(self, model: str) -> ModelFacts | None:
        host = host_of(self.provider)
        if host.protocol == "sim":
            return ModelFacts(provider=self.provider, model=model, prices=_SIMULATED)
        if host.local:
            return ModelFacts(provider=self.provider, model=model)
        return None


def _same_price(one: Prices, other: Prices) -> bool:
    return one.input == other.input and one.output == other.output
