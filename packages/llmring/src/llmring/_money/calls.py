"""One call under budgets: what it may cost at most, and what its attempts have cost."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from llmring_providers import BoundsOutput, ChatCall, OutputBounds, Provider
from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef, Usage
from llmring_types.exceptions import CostTrackingError, LLMRingError, ProviderConnectionError

from llmring._money.accounting import Accounting, check_counts
from llmring._money.accounts import Account, Payer, SharedAccount, dollars, exceeded, may_cost
from llmring._money.budgets import Budgets, Reservation
from llmring._money.estimates import completed_usage, input_usage, most_usage
from llmring._policy import UnknownPrice
from llmring._routing import Candidate, Route
from llmring.pricing import Cost, unpriced
from llmring.tokens import estimate_tokens

_ZERO = Decimal(0)


@lru_cache(64)
def _bounds_output(kind: type) -> bool:
    """Return whether providers of a type say how much their requests let a model write: a protocol is slow to ask."""
    return issubclass(kind, BoundsOutput)


class _Counted(msgspec.Struct):
    """By how much a host has counted more input than was estimated, at most."""

    tokens: int = 0
    ratio: float = 1.0

    def learn(self, estimated: int, reported: int) -> None:
        self.tokens = max(self.tokens, reported - estimated)
        self.ratio = max(self.ratio, reported / max(estimated, 1))

    def most(self, estimated: int) -> int:
        """Return what it may count of a prompt: instructions of the host's own add, another tokenizer multiplies."""
        return estimated + min(self.tokens, round(estimated * (self.ratio - 1)))


class Purse:
    """State that the calls of a ring under budgets share.

    Args:
        budgets: the ring's.
        accounting: prices.
        providers: say how much their requests let a model write.
        unknown_price: what to do about a model without a price.
    """

    def __init__(
        self,
        budgets: Budgets,
        accounting: Accounting,
        providers: Mapping[str, Provider],
        unknown_price: UnknownPrice,
    ) -> None:
        self.budgets = budgets
        self.accounting = accounting
        self.unknown_price = unknown_price
        self._providers = providers
        self._counted: dict[ModelRef, _Counted] = {}

    def bounds(
        self, request: LLMRequest, candidate: Candidate, progress: Callable[[], None] | None
    ) -> OutputBounds:
        """Return how much the request lets the candidate write."""
        provider: Any = self._providers[candidate.ref.provider]
        if _bounds_output(provider.__class__):
            try:
                bounds: OutputBounds = provider.output_bounds(
                    ChatCall(request, candidate.ref, candidate.facts, progress)
                )
            except LLMRingError:  # it cannot be sent: the attempt will say so
                return OutputBounds()
            return bounds
        limit = request.max_tokens
        return OutputBounds(None if limit is None else limit + (request.reasoning_tokens or 0))

    def most_input(self, ref: ModelRef, estimated: int) -> int:
        """Return the input tokens that the host may count where so many are estimated."""
        counted = self._counted.get(ref) if self._counted else None
        return estimated if counted is None else counted.most(estimated)

    def learn(self, ref: ModelRef, estimated: int, usage: Usage) -> None:
        """Record the input that a host has counted where so many tokens were estimated."""
        reported = usage.get("prompt_tokens", 0)
        if reported > estimated:
            self._counted.setdefault(ref, _Counted()).learn(estimated, reported)


class CallBudget:
    """The worst case of one call on each candidate, and its cost so far.

    Args:
        purse: the ring's.
        request: as it was asked, for the estimates.
        prepared: as adapters get it.
        route: names the alias and its limits.
        account: that of the run of tools, the job or the key that the call belongs to, if that is bounded.
        bounds: how much the call lets a model write, where that is no matter of the provider's.
        progress: of a call for a stream, as its provider gets it.
        tier: the service tier that is certain to serve it; without one, that of the request.
    """

    def __init__(
        self,
        purse: Purse,
        request: LLMRequest,
        prepared: LLMRequest,
        route: Route,
        *,
        account: Payer | None = None,
        bounds: OutputBounds | None = None,
        progress: Callable[[], None] | None = None,
        tier: str | None = None,
    ) -> None:
        self._tier = tier
        self._shared: SharedAccount | None = None
        self._account: Account | None = None
        if isinstance(account, Account):
            self._account = account
        elif account is not None:
            self._shared = account
        self._bounds = bounds
        self._progress = progress
        self._purse = purse
        self._request = request
        self._estimated = estimate_tokens(request)
        self._prepared = prepared
        self._route = route

    async def reserve(self, candidate: Candidate, owner: object) -> Reservation:
        """Set aside what an attempt may cost, as soon as other calls leave room for it.

        Args:
            candidate: who is to be asked.
            owner: the task whose call it is; it does not wait for what it holds itself.

        Raises:
            BudgetExceededError: it does not fit a limit.
            CostTrackingError: its price is not known.
        """
        purse, constraints = self._purse, self._route.constraints
        bounds = self._bounds or purse.bounds(self._prepared, candidate, self._progress)
        amount = self._most(candidate, bounds)
        most = constraints.max_cost_usd
        if most is not None and amount > most:
            raise exceeded(
                f"{may_cost(candidate, amount)}, and the alias allows {dollars(most)} per call",
                candidate,
                amount,
                limit=most,
                scope="call",
            )
        limit = None if bounds.limit is None else bounds.limit * bounds.answers
        # Who waits for the ring's or the alias's dollars may hold those of a key, and never the other way round.
        hold = None if self._shared is None else await self._shared.reserve(candidate, amount, owner)
        try:
            reservation = await purse.budgets.reserve(
                self._route, candidate, amount, owner, output_limit=limit, account=self._account
            )
        except BaseException:
            if hold is not None:
                hold.settle(_ZERO, certain=True)
            raise
        reservation.bounds, reservation.hold = bounds, hold
        return reservation

    def _most(self, candidate: Candidate, bounds: OutputBounds) -> Decimal:
        purse, facts = self._purse, candidate.facts
        usage = most_usage(
            self._request, self._estimated, facts, output_limit=bounds.limit, answers=bounds.answers
        )
        usage["prompt_tokens"] = purse.most_input(candidate.ref, usage["prompt_tokens"])
        cost = purse.accounting.cost(usage, candidate.ref, facts)
        if self._tier is not None:
            tiered = purse.accounting.cost({**usage, "service_tier": self._tier}, candidate.ref, facts)
            cost = cost if tiered is None else tiered
        tier = None if self._tier is not None else self._request.extra_params.get("service_tier")
        if cost is not None and isinstance(tier, str) and facts is not None and tier in facts.tiers:
            usage["service_tier"] = tier
            cost = max(cost, purse.accounting.cost(usage, candidate.ref, facts) or _ZERO)
        if cost is not None:
            return cost
        if purse.unknown_price == "refuse":
            reason = unpriced(facts) or "model_not_in_registry"
            raise CostTrackingError(
                f"the cost of {candidate.ref} cannot be known ({reason}), and a budget bounds this call; nothing was "
                f'sent. Give its price, LLMRing(prices={{"{candidate.ref}": Prices(input=…, output=…)}}), or let such '
                'calls pass uncounted, Policy(unknown_price="allow")',
                model=str(candidate.ref),
                cost_status=reason,
            )
        return _ZERO

    def settle_answer(
        self,
        reservation: Reservation,
        candidate: Candidate,
        response: LLMResponse,
        priced: Cost | None,
        *,
        sure: bool,
    ) -> None:
        """Count a whole answer. Where its usage was not reported, or not believed, the worst case stays set aside.

        Args:
            reservation: for the attempt.
            candidate: who answered.
            response: the answer.
            priced: its cost.
            sure: every count of it can be right.
        """
        usage = response.usage or {}
        reported = "prompt_tokens" in usage and "completion_tokens" in usage
        if sure:
            self._purse.learn(candidate.ref, self._estimated, usage)
        if reported and "reported_cost" not in usage and priced is not None and priced.total is not None:
            cost, exact = priced.total, True
        else:
            cost, exact = self._cost(candidate, response, whole=True)
        if reservation.amount and not (reported and exact):
            lacking = (
                "the price of this answer's service tier or searches is not known"
                if reported
                else ("the provider did not say what this call used")
            )
            response.warnings.append(f"{lacking}: the budget counts an estimate and keeps the worst case")
        if reservation.settle(cost, certain=sure and reported and exact):
            response.warnings.append(
                f"the provider reports {dollars(cost)}, more than the {dollars(reservation.amount)} that was set aside "
                "and than is left of the budget"
            )

    def settle_partial(
        self, reservation: Reservation, candidate: Candidate, partial: LLMResponse | None
    ) -> None:
        """Count an answer that nobody has read to its end, or that broke off; nobody reported what it used."""
        if partial is not None:
            check_counts(partial, self._request)
            cost, _ = self._cost(candidate, partial, whole=False)
        else:
            cost, _ = self._price(input_usage(self._request), candidate)
        reservation.settle(min(cost, reservation.amount), certain=False)

    def settle_failure(
        self, reservation: Reservation, candidate: Candidate, error: BaseException, *, billed: bool | None
    ) -> None:
        """Count an attempt that gave no answer; ``billed`` is ``None`` where nobody knows whether it is charged."""
        if isinstance(error, ProviderConnectionError):
            reservation.settle(_ZERO, certain=not error.sent)
        elif billed is False:
            reservation.settle(_ZERO)
        else:
            self.settle_partial(reservation, candidate, getattr(error, "partial", None))

    def _cost(self, candidate: Candidate, response: LLMResponse, *, whole: bool) -> tuple[Decimal, bool]:
        usage, _ = completed_usage(self._request, response, whole=whole)
        return self._price(usage, candidate, response.provider_model)

    def _price(self, usage: Usage, candidate: Candidate, served: str | None = None) -> tuple[Decimal, bool]:
        """Return what the budget counts, and whether it is all that the call can have cost."""
        accounting = self._purse.accounting
        facts: ModelFacts | None = candidate.facts or accounting.facts(candidate.ref, served)
        return accounting.budgeted(usage, facts)
