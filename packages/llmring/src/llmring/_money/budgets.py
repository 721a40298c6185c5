"""Budgets: the limit, the amounts set aside, and the calls that wait for them."""

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Lock

import msgspec
from llmring_providers import OutputBounds

from llmring._money.accounts import Account, BudgetState, Hold, lacking
from llmring._routing import Candidate, Route
from llmring._tasks import Wakeup

_ZERO = Decimal(0)


class Reservation:
    """Dollars that are set aside for one attempt, in every account that the call comes under.

    Attributes:
        amount: dollars.
        output_limit: output tokens that the request allows, where it sets a limit.
        bounds: those of the request, with what its provider has encoded to find them.
        hold: the same amount in an account that other processes share, where the call comes under one.
    """

    def __init__(
        self,
        budgets: "Budgets",
        accounts: Sequence[Account],
        amount: Decimal,
        owner: object,
        limit: int | None,
    ) -> None:
        self.amount = amount
        self.output_limit = limit
        self.bounds: OutputBounds | None = None
        self.hold: Hold | None = None
        self._budgets = budgets
        self._accounts = accounts
        self._owner = owner
        self._settled = False

    def settle(self, cost: Decimal, *, certain: bool = True) -> bool:
        """Count what the attempt has cost; only the first call counts.

        Args:
            cost: dollars.
            certain: ``False`` keeps the rest of what was set aside out of reach, since it may be billed as well.

        Returns:
            Whether the cost is more than was set aside and than the limit has room for.
        """
        if self._settled:
            return False
        self._settled = True
        beyond = cost > self.amount and any(cost - self.amount > each.state().left for each in self._accounts)
        self._budgets.settle(self._accounts, self.amount, cost, self._owner, certain=certain)
        if self.hold is not None:
            self.hold.settle(cost, certain=certain)
        return beyond


class _Waiter(msgspec.Struct, eq=False):
    """A call that fits only once others have settled. It gets its reservation, or its refusal, from them."""

    accounts: tuple[Account, ...]
    amount: Decimal
    owner: object
    wakeup: Wakeup
    granted: bool = False


class Budgets:
    """The accounts of a ring, and who waits for them. Safe to use from several event loops and threads.

    Totals begin anew with each ring.

    Args:
        limit: US dollars for the whole ring; ``None`` has no limit.
    """

    def __init__(self, limit: Decimal | float | None) -> None:
        self._ring = None if limit is None else Account(Decimal(str(limit)))
        self._aliases: dict[tuple[str | None, str | None], Account] = {}
        self._queues: dict[tuple[Account, ...], deque[_Waiter]] = {}
        self._lock = Lock()
        self._changes: deque[Callable[[], None]] = deque()

    @property
    def states(self) -> tuple[BudgetState, ...]:
        """Every budget that a call has come under, the ring's first."""
        ring = () if self._ring is None else (self._ring,)
        with self._lock:
            states = tuple(account.state() for account in (*ring, *self._aliases.values()))
        self._apply_changes()
        return states

    async def reserve(
        self,
        route: Route,
        candidate: Candidate,
        amount: Decimal,
        owner: object,
        *,
        output_limit: int | None = None,
        account: Account | None = None,
    ) -> Reservation:
        """Set the amount aside in every account of the call, as soon as what others have set aside leaves room.

        Calls that wait are served in the order in which they came.

        Args:
            route: names the alias.
            candidate: for whom, for the message of a refusal.
            amount: dollars.
            owner: the task whose call it is: it does not wait for what it holds itself. ``None`` where not known.
            output_limit: of the request, for whoever settles.
            account: that of the run of tools that the call belongs to, if that is bounded.

        Raises:
            BudgetExceededError: it cannot fit, whatever the calls under way turn out to cost.
        """
        accounts = self._accounts(route) if account is None else (account, *self._accounts(route))
        try:
            with self._lock:
                waiter = self._reserve_or_queue(accounts, candidate, amount, owner)
        finally:
            if self._changes:
                self._apply_changes()
        if waiter is not None:
            try:
                await waiter.wakeup.wait()
            except BaseException:
                self._change(lambda: self._withdraw(waiter))
                raise
            if not waiter.granted:
                _check(accounts, candidate, amount, owner)
        return Reservation(self, accounts, amount, owner, output_limit)

    def _reserve_or_queue(
        self, accounts: tuple[Account, ...], candidate: Candidate, amount: Decimal, owner: object
    ) -> _Waiter | None:
        awaited = self._queues and self._queues.get(accounts)
        if not awaited and _reserve(accounts, amount, owner):
            return None
        _check(accounts, candidate, amount, owner)
        waiter = _Waiter(accounts, amount, owner, Wakeup())
        self._queues.setdefault(accounts, deque()).append(waiter)
        return waiter

    def settle(
        self, accounts: Sequence[Account], amount: Decimal, cost: Decimal, owner: object, *, certain: bool
    ) -> None:
        """Count a cost in place of what was set aside, and serve whoever waits for that."""

        def change() -> None:
            for account in accounts:
                account.settle(amount, cost, owner, certain=certain)

        self._change(change)

    def _change(self, change: Callable[[], None]) -> None:
        """Make a change now, or have whoever is at it make it.

        A stream may be collected as garbage, and so settle, amid any of this: nobody waits for the lock here.
        """
        self._changes.append(change)
        self._apply_changes()

    def _apply_changes(self) -> None:
        while self._changes and self._lock.acquire(blocking=False):
            try:
                while self._changes:
                    self._changes.popleft()()
                if self._queues:
                    self._serve()
            finally:
                self._lock.release()

    def _accounts(self, route: Route) -> tuple[Account, ...]:
        limit = route.constraints.budget_usd
        ring = () if self._ring is None else (self._ring,)
        if limit is None:
            return ring
        key = route.alias, route.profile
        account = self._aliases.get(key)
        if account is None:
            account = self._aliases.setdefault(key, Account(limit, *key))
        account.limit = limit  # as the lockfile has it now
        return (*ring, account)

    def _withdraw(self, waiter: _Waiter) -> None:
        if waiter.granted:
            for account in waiter.accounts:
                account.settle(waiter.amount, _ZERO, waiter.owner, certain=True)
        else:
            queue = self._queues.get(waiter.accounts, deque())
            if waiter in queue:
                queue.remove(waiter)

    def _serve(self) -> None:
        """Wake those who wait and now fit, or never will. The first of a queue that may fit later holds up the rest."""
        for accounts, queue in list(self._queues.items()):
            while queue:
                waiter = queue[0]
                if _reserve(accounts, waiter.amount, waiter.owner):
                    waiter.granted = True
                elif all(account.may_fit(waiter.amount, waiter.owner) for account in accounts):
                    break
                queue.popleft()
                waiter.wakeup.set()
            if not queue:
                del self._queues[accounts]


def _reserve(accounts: Sequence[Account], amount: Decimal, owner: object) -> bool:
    """Set the amount aside in all of the accounts, or in none."""
    for place, account in enumerate(accounts):
        if not account.reserve(amount, owner):
            for taken in accounts[:place]:
                taken.settle(amount, _ZERO, owner, certain=True)
            return False
    return True


def _check(accounts: Sequence[Account], candidate: Candidate, amount: Decimal, owner: object) -> None:
    """Refuse what will not fit.

    Raises:
        BudgetExceededError: there is no room, and waiting for other tasks will not make any.
    """
    for account in accounts:
        if account.may_fit(amount, owner):
            continue
        own = account.held_by.get(owner, _ZERO) if owner is not None else _ZERO
        raise lacking(candidate, amount, account.state(), own)
