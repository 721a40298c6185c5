"""The accounts of keys: what is spent and set aside, for all processes that share the store.

At any moment ``spent + withheld + held <= limit`` for each key and period. What an attempt may cost is set aside in the
store before it is sent, and what it has cost is in the store before its answer is handed on: a process that is killed
loses nothing that was answered, and what it had set aside stays out of reach.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
from llmring_types.exceptions import ProviderRateLimitError

from llmring._money.accounts import BudgetState, SharedAccount, lacking
from llmring._routing import Candidate
from llmring._tasks import Wakeup
from llmring.serve._keys._key import Budget, GatewayKey, to_dollars, to_units

_ZERO = Decimal(0)
WINDOW_S = 60
BEAT_S = 10
SILENCE_S = 120
"""Seconds without a sign of life after which what a process had set aside counts as withheld."""


class Totals(msgspec.Struct, frozen=True):
    """An account, in the unit of its ledger.

    Attributes:
        spent: by calls that have ended.
        withheld: what ended calls may have cost beyond that, or calls of a process that died.
        own: set aside by this process.
        others: set aside by other processes.
    """

    spent: int = 0
    withheld: int = 0
    own: int = 0
    others: int = 0


class Ledger(ABC):
    """Reads and writes accounts.

    Attributes:
        per_dollar: units of a dollar.
    """

    per_dollar: int

    def __init__(self) -> None:
        self._accounts: dict[str, KeyAccount] = {}

    def account(self, key: GatewayKey) -> "KeyAccount | None":
        """Return the account of a key for the present period; ``None`` where it has no budget."""
        if key.budget is None:
            return None
        kept = self._accounts.get(key.id)
        period = key.budget.current(self.now())
        if kept is None or kept.period != period:
            kept = self._accounts[key.id] = KeyAccount(self, key.id, key.budget, period)
        return kept

    @abstractmethod
    def now(self) -> datetime:
        """Return the time in UTC that periods and paces go by."""

    @abstractmethod
    async def hold(self, hold: "KeyHold") -> Totals | None:
        """Set an amount aside if it fits; else return the account that it does not fit.

        Raises:
            ConfigurationError: the store cannot be used; nothing stays set aside once it can.
        """

    @abstractmethod
    def settle(self, hold: "KeyHold", cost: int, *, certain: bool) -> None:
        """Count a cost in place of what was set aside, now or soon, and then let go of the hold.

        What cannot be written stays set aside. Never waits: a stream may be collected as garbage, and so settle, amid
        anything.
        """

    @abstractmethod
    async def admit(self, key: GatewayKey, tokens: int) -> int:
        """Count a request against the paces of a key, and return the second that it is counted in.

        Args:
            key: which.
            tokens: that the request brings and asks for, by estimate.

        Raises:
            ProviderRateLimitError: there were too many within the last 60 seconds.
            ConfigurationError: the store cannot be used.
        """

    @abstractmethod
    def correct(self, key: GatewayKey, second: int, tokens: int) -> None:
        """Add tokens that were used beyond the estimate, or take back those that were not, now or soon."""

    @abstractmethod
    async def written(self) -> None:
        """Wait until everything that was counted so far is in the store, or could not be written."""


class KeyAccount(SharedAccount):
    """The dollars of a key in one period.

    Args:
        ledger: keeps them.
        key: the key's id.
        budget: of the key.
        period: the name of the period.
    """

    def __init__(self, ledger: Ledger, key: str, budget: Budget, period: str) -> None:
        self.key = key
        self.period = period
        self.limit = to_units(budget.limit, ledger.per_dollar)
        self.ledger = ledger
        self._budget = budget
        self._holds: set[KeyHold] = set()
        self._asking = self._released = 0
        self._queue: deque[_Turn] = deque()

    async def reserve(self, candidate: Candidate, amount: Decimal, owner: object) -> "KeyHold":
        hold = KeyHold(self, to_units(amount, self.ledger.per_dollar), owner)
        lack = await (self._wait_for(hold) if self._queue else self._ask_at_once(hold))
        if lack is None:
            return hold
        own = _ZERO if owner is None else self._dollars(self._held_by(owner))
        raise lacking(candidate, amount, self._state(lack), own)

    def release(self, hold: "KeyHold") -> None:
        """Record that an amount is no longer set aside, or never will be given back."""
        self._holds.discard(hold)
        self._released += 1
        self.wake()

    def wake(self) -> None:
        """Have the first of those who wait ask again."""
        if self._queue:
            self._queue[0].wakeup.set()

    async def _ask_at_once(self, hold: "KeyHold") -> Totals | None:
        released = self._released
        try:
            lack = await self._ask(hold)
        finally:
            self.wake()  # who waits may have counted on what was only asked for
        if lack is not None and self._may_fit(lack, hold, released):
            return await self._wait_for(hold)
        return lack

    async def _wait_for(self, hold: "KeyHold") -> Totals | None:
        """Wait for the turn, and then for what other calls of this process hold. The first holds up the rest."""
        turn = _Turn(Wakeup())
        self._queue.append(turn)
        try:
            while True:
                turn.wakeup = Wakeup()
                if self._queue[0] is turn:
                    released = self._released
                    lack = await self._ask(hold)
                    if lack is None or not self._may_fit(lack, hold, released):
                        return lack
                await turn.wakeup.wait()
        finally:
            self._queue.remove(turn)
            self.wake()

    async def _ask(self, hold: "KeyHold") -> Totals | None:
        self._asking += 1
        try:
            lack = await self.ledger.hold(hold)
        finally:
            self._asking -= 1
        if lack is None:
            self._holds.add(hold)
        return lack

    def _may_fit(self, lack: Totals, hold: "KeyHold", released: int) -> bool:
        """Return whether the amount would fit if all that other tasks of this process have set aside came back.

        It would not where they have set nothing aside, nor had when it was asked for: what other processes settle wakes
        nobody here.
        """
        others = self._asking or self._released != released
        others = others or any(each.owner != hold.owner for each in tuple(self._holds))
        own = 0 if hold.owner is None else self._held_by(hold.owner)
        return bool(others) and hold.amount + own + lack.others <= self.limit - lack.spent - lack.withheld

    def _held_by(self, owner: object) -> int:
        return sum(each.amount for each in tuple(self._holds) if each.owner == owner)

    def _state(self, totals: Totals) -> BudgetState:
        return BudgetState(
            scope="key",
            limit=self._budget.limit,
            spent=self._dollars(totals.spent),
            reserved=self._dollars(totals.own + totals.others),
            withheld=self._dollars(totals.withheld),
        )

    def _dollars(self, units: int) -> Decimal:
        return to_dollars(units, self.ledger.per_dollar)


class KeyHold:
    """An amount of a key's account that is set aside.

    Attributes:
        account: which.
        amount: in the unit of the ledger.
        owner: the task whose call it is.
        name: by which the store knows it, where it tells one from another.
    """

    __slots__ = ("account", "amount", "name", "owner")

    def __init__(self, account: KeyAccount, amount: int, owner: object = None) -> None:
        self.account = account
        self.amount = amount
        self.owner = owner
        self.name = ""

    def settle(self, cost: Decimal, *, certain: bool) -> None:
        ledger = self.account.ledger
        ledger.settle(self, to_units(cost, ledger.per_dollar), certain=certain)


class _Turn(msgspec.Struct, eq=False):
    """The place of one who waits."""

    wakeup: Wakeup


def check_pace(key: GatewayKey, rows: Sequence[tuple[int, int, int]], tokens: int, second: int) -> None:
    """Refuse a request that is beyond a pace of its key.

    Args:
        key: which.
        rows: second, requests and tokens of those within the last 60 seconds, the oldest first.
        tokens: of this request.
        second: it is now.

    Raises:
        ProviderRateLimitError: it is; ``retry_after`` says when there is room again.
    """
    for what, limit, counts, more in (
        ("requests", key.rpm, [(row[0], row[1]) for row in rows], 1),
        ("tokens", key.tpm, [(row[0], row[2]) for row in rows], tokens),
    ):
        over = sum(count for _, count in counts) + more - limit if limit is not None else 0
        if over <= 0:
            continue
        until = second
        for at, count in counts:
            until, over = at, over - count
            if over <= 0:
                break
        raise ProviderRateLimitError(
            f"this key allows {limit:,} {what} a minute", retry_after=max(1, until + WINDOW_S + 1 - second)
        )
