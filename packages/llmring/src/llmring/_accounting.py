"""What calls cost."""

from decimal import Decimal

import msgspec
from llmring_types import LLMResponse, ModelFacts, ModelRef, Usage
from llmring_types.exceptions import CostTrackingError

from llmring._routing import Candidate, Route
from llmring.pricing import annotate, price, unpriced
from llmring.registry import Registry


class Accounting:
    """Prices calls from what the registry knows.

    Args:
        registry: answers from memory.
        strict: refuse calls whose price cannot be known.
    """

    def __init__(self, registry: Registry, *, strict: bool) -> None:
        self.registry = registry
        self.strict = strict

    def facts(self, ref: ModelRef, served: str | None = None) -> ModelFacts | None:
        """Return what is known of a model, or else of the one that the provider says it served."""
        facts = self.registry.facts(ref.provider, ref.model)
        return self.registry.facts(ref.provider, served) if facts is None and served else facts

    def screen(self, route: Route) -> Route:
        """Return the route with the candidates marked unusable, if strict, whose price cannot be known."""
        if not self.strict:
            return route
        return msgspec.structs.replace(
            route, candidates=[_priced(candidate) for candidate in route.candidates]
        )

    def settle(self, response: LLMResponse, candidate: Candidate) -> None:
        """Write the cost into the response's usage, where there is one."""
        if response.usage is None:
            return
        facts = candidate.facts or self.facts(candidate.ref, response.provider_model)
        annotate(response.usage, price(response.usage, facts))

    def cost(self, usage: Usage, ref: ModelRef, facts: ModelFacts | None = None) -> Decimal | None:
        """Return the dollars for this usage of a model; ``None`` where they cannot be known."""
        return price(usage, facts or self.facts(ref)).total

    def complete(self, usage: Usage, ref: ModelRef, served: str | None) -> None:
        """Write the cost into usage that was made up afterwards.

        Args:
            usage: with token counts.
            ref: the model asked.
            served: the name that the provider gives to what it served.
        """
        annotate(usage, price(usage, self.facts(ref, served)))


def _priced(candidate: Candidate) -> Candidate:
    reason = unpriced(candidate.facts)
    if reason is None or candidate.unusable is not None:
        return candidate
    refusal = CostTrackingError(
        f"the cost of {candidate.ref} cannot be known ({reason}), and strict cost is on; nothing was sent",
        model=str(candidate.ref),
        cost_status=reason,
    )
    return msgspec.structs.replace(candidate, unusable=refusal)
