"""What a ring knows of models and requests, for those who ask."""

from collections.abc import Iterable

from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef

from llmring._accounting import Accounting
from llmring.pricing import cost_info
from llmring.tokens import context_problem


def active_models(accounting: Accounting, providers: Iterable[str]) -> dict[str, list[str]]:
    """Return each provider with its models that can be asked, by name."""
    registry = accounting.registry
    return {
        provider: sorted(facts.model for facts in registry.models(provider) if facts.active is not False)
        for provider in providers
    }


def response_cost(accounting: Accounting, response: LLMResponse) -> dict[str, float | None] | None:
    """Return what an answer cost, part by part; ``None`` where that cannot be known."""
    facts = accounting.facts(ModelRef.parse(response.model), response.provider_model)
    return cost_info(response.usage, facts)


def first_context_problem(request: LLMRequest, facts: Iterable[ModelFacts | None]) -> str | None:
    """Return why the request cannot fit the first of the models that it does not fit."""
    return next(filter(None, (context_problem(request, each) for each in facts)), None)
