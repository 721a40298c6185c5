"""The dollars of a ring or an alias.

At any moment ``spent + withheld + reserved <= limit``. Only :meth:`Account.reserve` adds to the sum, and only where it
fits; settling moves dollars from one term to another.
"""

from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

import msgspec
from llmring_types.exceptions import BudgetExceededError

from llmring._routing import Candidate

_ZERO = Decimal(0)
Scope = Literal["ring", "alias", "run", "job", "key"]


class BudgetState(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and what has become of it. Amounts are US dollars.

    Attributes:
        scope: the whole ring, one alias, one run of tools, one bulk job, or one key of a gateway.
        alias: whose budget; ``None`` for those of a ring, a run, a job or a key.
        profile: the profile that binds the alias.
        limit: what may be spent.
        spent: what calls have cost, as reported, else by estimate.
        reserved: what attempts under way may cost at most.
        withheld: what ended attempts may have cost beyond the estimate in ``spent``, where the provider did not report
            it (a timeout, a stream that was left early, counts that cannot be right). It stays set aside.
        excess: what providers reported beyond what was set aside for the call and beyond the limit: more input than was
            estimated, say. It is not in ``spent``.
    """

    scope: Scope
    alias: str | None = None
    profile: str | None = None
    limit: Decimal
    spent: Decimal = _ZERO
    reserved: Decimal = _ZERO
    withheld: Decimal = _ZERO
    excess: Decimal = _ZERO

    @property
    def left(self) -> Decimal:
        """The most that a further call may cost; never below 0."""
        return max(self.limit - self.spent - self.reserved - self.withheld, _ZERO)

    def __str__(self) -> str:
        whose = f"the {self.scope}" if self.alias is None else f"alias {self.alias!r}"
        return f"the budget of {whose}, {dollars(self.limit)}"


class Account:
    """The dollars of one alias, of one run, or of the ring."""

    def __init__(
        self, limit: Decimal, alias: str | None = None, profile: str | None = None, *, scope: Scope = "ring"
    ) -> None:
        self.limit = limit
        self.scope: Scope = scope if alias is None else "alias"
        self.alias = alias
        self.profile = profile
        self.spent = self.reserved = self.withheld = self.excess = _ZERO
        self.held_by: dict[object, Decimal] = {}
        """Reserved amounts, by the task that holds them."""

    def fits(self, amount: Decimal) -> bool:
        return amount <= self.limit - self.spent - self.withheld - self.reserved

    def may_fit(self, amount: Decimal, owner: object) -> bool:
        """Return whether the amount would fit if all that other tasks have set aside came back."""
        own = self.held_by.get(owner, _ZERO) if owner is not None else _ZERO
        return amount <= self.limit - self.spent - self.withheld - own

    def reserve(self, amount: Decimal, owner: object) -> bool:
        """Set an amount aside, if it fits."""
        if not self.fits(amount):
            return False
        self.reserved += amount
        self._set_aside(amount, owner)
        return True

    def settle(self, amount: Decimal, cost: Decimal, owner: object, *, certain: bool) -> None:
        """Count what an attempt has cost in place of what was set aside for it."""
        self.reserved -= amount
        self._give_back(amount, owner)
        counted = cost
        if cost > amount:
            counted = min(cost, max(self.limit - self.spent - self.withheld - self.reserved, amount))
            self.excess += cost - counted
        self.spent += counted
        if not certain:
            self.withheld += max(amount - counted, _ZERO)

    def _set_aside(self, amount: Decimal, owner: object) -> None:
        self.held_by[owner] = self.held_by.get(owner, _ZERO) + amount

    def _give_back(self, amount: Decimal, owner: object) -> None:
        left = self.held_by.get(owner, _ZERO) - amount
        if left:
            self.held_by[owner] = left
        else:
            self.held_by.pop(owner, None)

    def state(self) -> BudgetState:
        return BudgetState(
            scope=self.scope,
            alias=self.alias,
            profile=self.profile,
            limit=self.limit,
            spent=self.spent,
            reserved=self.reserved,
            withheld=self.withheld,
            excess=self.excess,
        )


class Hold(Protocol):
    """Dollars of a shared account that are set aside for one attempt."""

    def settle(self, cost: Decimal, *, certain: bool) -> None:
        """Count what the attempt has cost in place of what was set aside for it."""


class SharedAccount(ABC):
    """Dollars that other processes spend as well. They are kept elsewhere, so setting some aside is awaited."""

    @abstractmethod
    async def reserve(self, candidate: Candidate, amount: Decimal, owner: object) -> Hold:
        """Set an amount aside, as soon as what this process has set aside leaves room.

        Args:
            candidate: for whom, for the message of a refusal.
            amount: dollars.
            owner: the task whose call it is: it does not wait for what it holds itself. ``None`` where not known.

        Raises:
            BudgetExceededError: it cannot fit, whatever the calls of this process turn out to cost.
        """


Payer: TypeAlias = Account | SharedAccount
"""The account of a run, a job or a key, which pays beside those of the alias and the ring."""


def lacking(candidate: Candidate, amount: Decimal, state: BudgetState, own: Decimal) -> BudgetExceededError:
    """Build the error for an amount that an account has no room for.

    Args:
        candidate: whose attempt it is.
        amount: dollars.
        state: of the account.
        own: dollars that the task itself has set aside there.
    """
    held = f", {dollars(own)} of it set aside by this task's own open streams" if own else ""
    left = max(state.limit - state.spent - state.withheld, _ZERO)
    return exceeded(
        f"{may_cost(candidate, amount)}, and {dollars(left)} is left of {state}{held}",
        candidate,
        amount,
        limit=state.limit,
        scope=state.scope,
    )


def may_cost(candidate: Candidate, amount: Decimal) -> str:
    """Begin the sentence about a call that is too dear."""
    return f"this call may cost up to {dollars(amount)} on {candidate.ref}"


def exceeded(
    problem: str, candidate: Candidate, amount: Decimal, *, limit: Decimal, scope: str
) -> BudgetExceededError:
    """Build the error for a call that is not sent."""
    return BudgetExceededError(
        f"{problem}; nothing was sent",
        model=str(candidate.ref),
        cost_status="budget_exceeded",
        details={"scope": scope, "limit_usd": limit, "estimated_usd": amount},
    )


def dollars(amount: Decimal) -> str:
    """Two digits after the point, or as many as it takes to say something."""
    return f"${amount:.2f}" if amount >= 1 or not amount else f"${float(amount):.2g}"
