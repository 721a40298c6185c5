"""How much may be spent, and how much is."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import msgspec
from llmring_types import LLMRequest
from llmring_types.exceptions import BudgetExceededError

from llmring._accounting import Accounting
from llmring._estimates import expected_usage
from llmring._records import CallRecord
from llmring._routing import Candidate, Route

_ZERO = Decimal(0)


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and what has become of it. Amounts are US dollars.

    Attributes:
        scope: the whole ring, or one alias.
        alias: whose budget; ``None`` for the ring's.
        profile: the profile that binds the alias.
        limit: what may be spent.
        spent: what calls have cost.
        reserved: what calls that have not ended may cost.
    """

    scope: Literal["ring", "alias"]
    alias: str | None = None
    profile: str | None = None
    limit: Decimal
    spent: Decimal = _ZERO
    reserved: Decimal = _ZERO

    @property
    def left(self) -> Decimal:
        """What a further call may cost; never below 0."""
        return max(self.limit - self.spent - self.reserved, _ZERO)

    def __str__(self) -> str:
        whose = "the ring" if self.alias is None else f"alias {self.alias!r}"
        return f"the budget of {whose}, {_dollars(self.limit)}"


class _Account:
    """What was spent by one alias, or by the ring."""

    def __init__(self) -> None:
        self.spent = _ZERO
        self.reserved = _ZERO


_Key = tuple[str | None, str | None]
_RING: _Key = (None, None)


class Budgets:
    """Refuses calls that would break a budget, and counts what the others cost.

    Three limits hold: the ring's total, an alias's total (``budget_usd`` in its constraints) and an alias's most per
    call (``max_cost_usd``). Before a call, its cost is estimated from its texts and ``max_tokens``, and set aside
    until the call has ended; without ``max_tokens`` only its input is counted, and the output of calls that run at the
    same time can exceed the budget. After it, what the provider reported counts, or an estimate where it reported
    nothing: an aborted stream, and the input of failed attempts that may be billed.

    A model whose price is not known is let through: what it costs cannot be counted. Totals begin anew with each ring.

    Args:
        limit: US dollars for the whole ring; ``None`` has no limit.
        accounting: prices the estimates.
    """

    def __init__(self, limit: Decimal | float | None, accounting: Accounting) -> None:
        self.limit = None if limit is None else Decimal(str(limit))
        self._accounting = accounting
        self._accounts: dict[_Key, _Account] = {_RING: _Account()}
        self._limits: dict[_Key, Decimal] = {} if self.limit is None else {_RING: self.limit}
        self._reserved: dict[str, tuple[Decimal, list[_Account]]] = {}

    @property
    def states(self) -> tuple[BudgetState, ...]:
        """Every budget that a call has come under, the ring's first."""
        return tuple(self._state(key) for key in self._limits)

    def concern(self, route: Route) -> bool:
        """Whether calls on this route come under a total."""
        return self.limit is not None or route.constraints.budget_usd is not None

    def screen(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with each candidate's possible cost; one that would break a limit is unusable."""
        constraints = route.constraints
        most = constraints.max_cost_usd
        if most is None and self.limit is None and constraints.budget_usd is None:
            return route
        usage = expected_usage(request)
        states = [self._state(key) for key in self._keys(route)]
        candidates = []
        for candidate in route.candidates:
            cost = self._accounting.cost(usage, candidate.ref, candidate.facts)
            unusable = candidate.unusable
            if cost is not None and unusable is None:
                unusable = _refusal(candidate, cost, most, states)
            candidates.append(msgspec.structs.replace(candidate, cost=cost, unusable=unusable))
        return msgspec.structs.replace(route, candidates=candidates)

    def reserve(self, call: str, route: Route) -> None:
        """Set aside what the call may cost on the dearest candidate."""
        if not self.concern(route):
            return
        costs = [each.cost for each in route.candidates if each.cost is not None and each.unusable is None]
        most = max(costs, default=_ZERO)
        accounts = [self._accounts.setdefault(key, _Account()) for key in self._keys(route)]
        for account in accounts:
            account.reserved += most
        self._reserved[call] = most, accounts

    def settle(self, record: CallRecord) -> None:
        """Count what the call has cost in place of what was set aside for it."""
        most, accounts = self._reserved.pop(record.id, (_ZERO, []))
        cost = (record.cost or _ZERO) + record.failed_cost
        for account in accounts:
            account.reserved -= most
            account.spent += cost

    def _keys(self, route: Route) -> Iterator[_Key]:
        if self.limit is not None:
            yield _RING
        limit = route.constraints.budget_usd
        if limit is not None:
            key = (route.alias, route.profile)
            self._limits[key] = limit  # as the lockfile has it now
            yield key

    def _state(self, key: _Key) -> BudgetState:
        account = self._accounts.get(key) or _Account()
        return BudgetState(
            scope="ring" if key == _RING else "alias",
            alias=key[0],
            profile=key[1],
            limit=self._limits[key],
            spent=account.spent,
            reserved=account.reserved,
        )


def _refusal(
    candidate: Candidate, cost: Decimal, most: Decimal | None, states: list[BudgetState]
) -> BudgetExceededError | None:
    about = f"this call may cost about {_dollars(cost)} on {candidate.ref}"
    if most is not None and cost > most:
        problem = f"{about}, and the alias allows {_dollars(most)} per call"
        return _exceeded(problem, candidate, cost, limit=most, scope="call")
    for state in states:
        if cost > state.left:
            problem = f"{about}, and {_dollars(state.left)} is left of {state}"
            return _exceeded(problem, candidate, cost, limit=state.limit, scope=state.scope)
    return None


def _exceeded(
    problem: str, candidate: Candidate, cost: Decimal, *, limit: Decimal, scope: str
) -> BudgetExceededError:
    return BudgetExceededError(
        f"{problem}; nothing was sent",
        model=str(candidate.ref),
        cost_status="budget_exceeded",
        details={"scope": scope, "limit_usd": limit, "estimated_usd": cost},
    )


def _dollars(amount: Decimal) -> str:
    """Two digits after the point, or as many as it takes to say something."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${float(amount):.2g}"
