"""What is looked at before a request is sent: whether it can fit the model, and whether its price is known."""

import msgspec
from llmring_types import LLMRequest, LLMResponse

from llmring._money.accounting import Accounting
from llmring._money.budgets import Budgets
from llmring._policy import ContextCheck
from llmring._routing import Candidate, Route
from llmring.pricing import unpriced
from llmring.tokens import context_problem


class Screening:
    """Marks the candidates that a request must not be sent to; failover passes over them, and says why.

    Args:
        context_check: what to do about a request that is too long.
        accounting: whether they may cost what nobody knows.
        budgets: count what calls cost.
    """

    def __init__(self, context_check: ContextCheck, accounting: Accounting, budgets: Budgets) -> None:
        self._context_check = context_check
        self._accounting = accounting
        self._budgets = budgets

    def screen(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with what is against each candidate."""
        route = self._accounting.mark_unpriced(route)
        if self._context_check == "error":
            candidates = [_fitting(request, candidate) for candidate in route.candidates]
            route = msgspec.structs.replace(route, candidates=candidates)
        return route

    def comment(self, request: LLMRequest, response: LLMResponse, candidate: Candidate, route: Route) -> None:
        """Add to the answer's warnings what was against the candidate and did not stop the call."""
        usage = response.usage or {}
        if self._context_check == "warn":
            problem = context_problem(request, candidate.facts, counted=usage.get("prompt_tokens"))
            if problem is not None:
                response.warnings.append(problem)
        if usage.get("cost") is None and self._budgets.concern(route):
            reason = unpriced(candidate.facts)
            if reason is not None:
                response.warnings.append(
                    f"the budget does not count this call: its price is not known ({reason})"
                )


def _fitting(request: LLMRequest, candidate: Candidate) -> Candidate:
    if candidate.unusable is not None:
        return candidate
    problem = context_problem(request, candidate.facts)
    return candidate if problem is None else candidate.too_large(problem)
