"""Prices of calls, and counts that cannot be right."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

import msgspec
from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef, Prices, TokenCounts, Usage
from llmring_types.exceptions import ConfigurationError, CostTrackingError, ModelReferenceError
from llmring_types.hosts import host_of

from llmring._money.estimates import output_tokens
from llmring._routing import Candidate, Route
from llmring.pricing import Cost, annotate, cost_info, price, unpriced
from llmring.registry import Registry
from llmring.tokens import estimate_tokens

_ZERO = Decimal(0)

MOST_TOKENS = 100_000_000
"""Ten times the largest context window there is."""

MOST_DOLLARS = 1_000_000
"""No provider charges as much for a call."""

_PARTS = (
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_5m_tokens",
    "cache_creation_1h_tokens",
    "reasoning_tokens",
    "web_searches",
)
_COUNTS = frozenset({"prompt_tokens", "completion_tokens", "total_tokens", *_PARTS})


class Accounting:
    """Prices calls from what the registry knows.

    Args:
        registry: answers from memory.
        strict: refuse calls whose price cannot be known.
        prices: the user's own, by ``provider:model`` or, for all models of a provider, ``provider:*``. They come before
            those of the registry.

    Raises:
        ConfigurationError: a key or a value of ``prices`` is not of its form.
    """

    def __init__(
        self, registry: Registry, *, strict: bool, prices: Mapping[str, Prices] = MappingProxyType({})
    ) -> None:
        self.registry = registry
        self.strict = strict
        self.changes = 0
        """Count of prices added."""
        self._prices = dict(own_prices(name, each) for name, each in prices.items())

    def add_prices(self, name: str, prices: Prices) -> None:
        """Take these prices, as :func:`own_prices` returns them, from now on."""
        self._prices[name] = prices
        self.changes += 1

    def facts(self, ref: ModelRef, served: str | None = None) -> ModelFacts | None:
        """Return what is known of a model, or else of the one that the provider says it served."""
        facts = self.registry.facts(ref.provider, ref.model)
        if facts is None and served:
            facts = self.registry.facts(ref.provider, served)
        if self._prices:
            prices = self._prices.get(str(ref)) or self._prices.get(f"{ref.provider}:*")
            if prices is not None:
                known = facts or ModelFacts(provider=ref.provider, model=ref.model)
                return msgspec.structs.replace(known, prices=prices)
        return facts

    def mark_unpriced(self, route: Route) -> Route:
        """Return the route with the candidates marked unusable, if strict, whose price cannot be known."""
        if not self.strict:
            return route
        return msgspec.structs.replace(
            route, candidates=[_priced(candidate) for candidate in route.candidates]
        )

    def price_answer(self, response: LLMResponse, candidate: Candidate) -> Cost | None:
        """Write the cost into the response's usage, where there is one, and return it."""
        if response.usage is None:
            return None
        facts = candidate.facts or self.facts(candidate.ref, response.provider_model)
        cost = price(response.usage, facts)
        annotate(response.usage, cost)
        return cost

    def cost(self, usage: Usage, ref: ModelRef, facts: ModelFacts | None = None) -> Decimal | None:
        """Return the dollars for this usage of a model; ``None`` where they cannot be known."""
        return price(usage, facts or self.facts(ref)).total

    def budgeted(self, usage: Usage, facts: ModelFacts | None) -> tuple[Decimal, bool]:
        """Return the dollars that a budget counts for this usage, and whether no more can be billed.

        It is the larger of what the provider reports and what the tokens cost: a host that reports 0 lowers nothing.
        Where the price of a service tier or of searches is not known, the tokens count at the standard price, and more
        may be billed.
        """
        reported = Decimal(str(usage.get("reported_cost", 0)))
        counts = usage.copy()
        counts.pop("reported_cost", None)
        cost = price(counts, facts).total
        exact = cost is not None or unpriced(facts) is not None  # without any price, nothing was set aside
        if not exact:
            counts.pop("service_tier", None)
            counts.pop("web_searches", None)
            cost = price(counts, facts).total
        return max(cost or _ZERO, reported), exact

    def active_models(self, providers: Iterable[str]) -> dict[str, list[str]]:
        """Return each provider with its models that can be asked, by name.

        Hosts of this machine that need no key and of which nothing is known may not run at all: they are left out.
        """
        found = {
            provider: sorted(
                facts.model for facts in self.registry.models(provider) if facts.active is not False
            )
            for provider in providers
        }
        return {
            provider: models
            for provider, models in found.items()
            if models or not (row := host_of(provider)).keyless or row.is_shown
        }

    def response_cost(self, response: LLMResponse) -> dict[str, float | None] | None:
        """Return what an answer cost, part by part; ``None`` where that cannot be known."""
        facts = self.facts(ModelRef.parse(response.model), response.provider_model)
        return cost_info(response.usage, facts)

    def price_estimate(self, usage: Usage, ref: ModelRef, served: str | None) -> None:
        """Write the cost into usage that was made up afterwards.

        Args:
            usage: with token counts.
            ref: the model asked.
            served: the name that the provider gives to what it served.
        """
        annotate(usage, price(usage, self.facts(ref, served)))


def check_counts(response: LLMResponse, request: LLMRequest, *, most_output: int | None = None) -> bool:
    """Put estimates in the place of counts that cannot be right, each with a warning.

    Args:
        response: as the provider gave it; its usage is changed.
        request: what was asked, for the estimate.
        most_output: output tokens that the request allowed, where it set a limit.

    Returns:
        Whether every count can be right.
    """
    usage = response.usage
    if usage is None:
        return True
    if "reported_cost" in usage:
        _check_cost(usage, response)
    if _plausible(usage) and (most_output is None or usage.get("completion_tokens", 0) <= most_output):
        return True
    _replace_counts(cast("dict[str, Any]", usage), response, request, most_output)
    return False


def _replace_counts(
    counts: dict[str, Any], response: LLMResponse, request: LLMRequest, most_output: int | None
) -> None:
    if not _possible(counts.get("prompt_tokens", 0)):
        _replace(counts, "prompt_tokens", estimate_tokens(request), response)
    if not _possible(counts.get("completion_tokens", 0)):
        _replace(counts, "completion_tokens", output_tokens(response), response)
    if most_output is not None and counts.get("completion_tokens", 0) > most_output:
        _replace(counts, "completion_tokens", most_output, response)
    for name in _PARTS:
        if name in counts and not _possible(counts[name]):
            _replace(counts, name, 0, response)
    if "total_tokens" in counts:
        counts["total_tokens"] = counts.get("prompt_tokens", 0) + counts.get("completion_tokens", 0)
    if "compaction" in counts and not _plausible(counts["compaction"]):
        del counts["compaction"]
        response.warnings.append(
            "the provider reported counts of a compaction that cannot be; they were dropped"
        )


def _plausible(counts: TokenCounts) -> bool:
    for name, count in counts.items():
        if name in _COUNTS:
            if type(count) is not int or not 0 <= count <= MOST_TOKENS:
                return False
        elif name == "compaction" and not _plausible(cast("TokenCounts", count)):
            return False
    return True


def _possible(count: object) -> bool:
    return type(count) is int and 0 <= count <= MOST_TOKENS


def _check_cost(usage: Usage, response: LLMResponse) -> None:
    cost = usage["reported_cost"]
    if type(cost) not in (int, float) or not 0 <= cost <= MOST_DOLLARS:
        del usage["reported_cost"]
        response.warnings.append(
            f"the provider reported a cost of {cost!r:.40}, which cannot be; it is ignored"
        )


def _replace(counts: dict[str, Any], name: str, by: int, response: LLMResponse) -> None:
    response.warnings.append(
        f"the provider reported {name}={counts[name]!r:.40}, which cannot be: it counts as {by}"
    )
    counts[name] = by


def own_prices(name: str, prices: object) -> tuple[str, Prices]:
    """Return the model's name and its prices, all of them decimals: people write floats, as a lockfile does.

    Raises:
        ConfigurationError: the name or the prices are not of their form.
    """
    if not isinstance(prices, Prices):
        raise ConfigurationError(f"prices[{name!r}] must be Prices(input=…, output=…); got {prices!r:.80}")
    amounts: dict[str, Decimal] = {}
    for field, value in msgspec.structs.asdict(prices).items():
        if value is None or field in {"source", "long_threshold"}:
            continue
        amount = Decimal(str(value)) if type(value) in {int, float, Decimal} else None
        if amount is None or not amount.is_finite() or amount < 0:
            raise ConfigurationError(f"prices[{name!r}]: {field} must be 0 or more dollars; got {value!r}")
        amounts[field] = amount
    try:
        return str(ModelRef.parse(name)), msgspec.structs.replace(prices, **amounts)
    except ModelReferenceError as error:
        raise ConfigurationError(f"prices: {error}") from error


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
