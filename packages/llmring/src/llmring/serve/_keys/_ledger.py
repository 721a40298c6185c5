"""The accounts of keys: what is spent and set aside, and how fast, for all processes that share the file.

At any moment ``spent + withheld + held <= limit`` for each key and period. What an attempt may cost is set aside in the
file before it is sent, and what it has cost is in the file before its answer is handed on: a process that is killed
loses nothing that was answered, and what it had set aside stays out of reach.
"""

import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from llmring_types.exceptions import ConfigurationError, ProviderRateLimitError

from llmring._money.accounts import Account
from llmring.serve._keys._database import changing, reported
from llmring.serve._keys._key import Budget, GatewayKey, to_dollars, to_units

if TYPE_CHECKING:
    import sqlite3

_logger = logging.getLogger("llmring.serve")
_WINDOW_S = 60
_BEAT_S = 10
_SILENCE_S = 120
"""Seconds without a sign of life after which what a process had set aside counts as withheld."""
# One statement is a transaction of its own, with the write lock from its begin, and costs a fifth of five.
_HOLD = """INSERT INTO held SELECT :key, :period, :worker, :amount WHERE :amount
+ COALESCE((SELECT spent + withheld FROM spend WHERE key = :key AND period = :period), 0)
+ COALESCE((SELECT SUM(amount) FROM held WHERE key = :key AND period = :period), 0) <= :limit
ON CONFLICT DO UPDATE SET amount = amount + excluded.amount"""
_ADD_SPEND = """INSERT INTO spend VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, withheld = withheld + excluded.withheld,
excess = excess + excluded.excess"""
_WITHHOLD = """INSERT INTO spend SELECT key, period, 0, SUM(amount), 0 FROM held
WHERE worker IN (SELECT id FROM worker WHERE seen < ?) GROUP BY key, period
ON CONFLICT DO UPDATE SET withheld = withheld + excluded.withheld"""
_ADMIT = """INSERT INTO pace SELECT :key, :second, 1, :tokens
WHERE (:rpm IS NULL OR :rpm
> COALESCE((SELECT SUM(requests) FROM pace WHERE key = :key AND second >= :oldest), 0))
AND (:tpm IS NULL OR :tpm - :tokens
>= COALESCE((SELECT SUM(tokens) FROM pace WHERE key = :key AND second >= :oldest), 0))
ON CONFLICT DO UPDATE SET requests = requests + 1, tokens = tokens + excluded.tokens"""
_CORRECT = """INSERT INTO pace VALUES (?, ?, 0, MAX(0, ?))
ON CONFLICT DO UPDATE SET tokens = MAX(0, tokens + ?)"""


class Ledger:
    """Reads and writes accounts.

    Args:
        database: the store's.
        lock: held while it is used.
        path: the file, for errors.

    Attributes:
        database: the store's.
    """

    def __init__(self, database: "sqlite3.Connection", lock: Lock, path: Path) -> None:
        self.database = database
        self._lock = lock
        self._path = path
        self._worker = secrets.token_hex(8)
        self._next_beat = 0.0
        self._accounts: dict[str, KeyAccount] = {}

    def account(self, key: GatewayKey) -> "KeyAccount | None":
        """Return the account of a key for the present period; ``None`` where it has no budget."""
        if key.budget is None:
            return None
        kept = self._accounts.get(key.id)
        period = key.budget.current()
        if kept is None or kept.period != period:
            kept = self._accounts[key.id] = KeyAccount(self, key, key.budget, period)
        return kept

    def totals(self, key: str, period: str) -> tuple[int, int, int, dict[str, int]]:
        """Return what is spent, withheld and in excess, and what each process holds."""
        with reported(self._path), self._lock:
            return self._totals(key, period)

    def hold(self, key: str, period: str, amount: int, limit: int) -> bool:
        """Set an amount aside, if it fits."""
        if time.time() >= self._next_beat:
            self._beat()
        if amount > limit:
            return False
        values = {"key": key, "period": period, "worker": self._worker, "amount": amount, "limit": limit}
        with self._writing():
            return self.database.execute(_HOLD, values).rowcount > 0

    def settle(self, key: str, period: str, amount: int, cost: int, limit: int, *, certain: bool) -> None:
        """Count a cost in place of what was set aside; the amount stays set aside where the file cannot be written."""
        try:
            with self._changing():
                self._release(key, period, amount)
                counted = cost
                if cost > amount:
                    spent, withheld, _, held = self._totals(key, period)
                    counted = min(cost, max(limit - spent - withheld - sum(held.values()), amount))
                kept = 0 if certain else max(amount - counted, 0)
                self.database.execute(_ADD_SPEND, (key, period, counted, kept, cost - counted))
        except ConfigurationError:
            _logger.exception("what a call of key %s has cost stays set aside", key)

    def admit(self, key: GatewayKey, tokens: int) -> int:
        """Count a request against the paces of a key, and return the second that it is counted in.

        Args:
            key: which.
            tokens: that the request brings and asks for, by estimate.

        Raises:
            ProviderRateLimitError: there were too many within the last 60 seconds.
        """
        if time.time() >= self._next_beat:
            self._beat()
        while True:
            second = int(time.time())
            oldest = second - _WINDOW_S
            values = {"key": key.id, "second": second, "oldest": oldest, "tokens": tokens}
            with self._writing():
                if self.database.execute(_ADMIT, {**values, "rpm": key.rpm, "tpm": key.tpm}).rowcount > 0:
                    return second
                rows = self.database.execute(
                    "SELECT second, requests, tokens FROM pace WHERE key = ? AND second >= ? ORDER BY second",
                    (key.id, oldest),
                ).fetchall()
            _check_pace("requests", key.rpm, [(row[0], row[1]) for row in rows], 1, second)
            _check_pace("tokens", key.tpm, [(row[0], row[2]) for row in rows], tokens, second)

    def correct(self, key: GatewayKey, second: int, tokens: int) -> None:
        """Add tokens that were used beyond the estimate, or take back those that were not."""
        try:
            with self._writing():
                self.database.execute(_CORRECT, (key.id, second, tokens, tokens))
        except ConfigurationError:
            _logger.exception("the tokens of a call of key %s are counted by estimate", key.id)

    def close(self) -> None:
        """Hand over what this process still holds."""
        try:
            with self._changing():
                self.database.execute("UPDATE worker SET seen = 0 WHERE id = ?", (self._worker,))
                self._take_over()
        except ConfigurationError:
            _logger.exception("the key store could not be closed in order")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with reported(self._path), self._lock:
            yield

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._writing(), changing(self.database):
            yield

    def _totals(self, key: str, period: str) -> tuple[int, int, int, dict[str, int]]:
        spend = self.database.execute(
            "SELECT spent, withheld, excess FROM spend WHERE key = ? AND period = ?", (key, period)
        ).fetchone()
        held = self.database.execute(
            "SELECT worker, amount FROM held WHERE key = ? AND period = ?", (key, period)
        ).fetchall()
        return (*(spend or (0, 0, 0)), dict(held))

    def held_by_others(self, held: dict[str, int]) -> int:
        """Return what other processes hold."""
        return sum(amount for worker, amount in held.items() if worker != self._worker)

    def _release(self, key: str, period: str, amount: int) -> None:
        """Give back what was set aside, also where a process that took this one for dead has withheld it."""
        found = self.database.execute(
            "UPDATE held SET amount = amount - ? WHERE key = ? AND period = ? AND worker = ? AND amount >= ?",
            (amount, key, period, self._worker, amount),
        )
        if not found.rowcount:
            self.database.execute(
                "UPDATE spend SET withheld = MAX(0, withheld - ?) WHERE key = ? AND period = ?",
                (amount, key, period),
            )

    def _beat(self) -> None:
        """Give a sign of life, withhold what the dead have left, and drop seconds that no pace counts any more."""
        now = time.time()
        with self._changing():
            self.database.execute(
                "INSERT INTO worker VALUES (?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen",
                (self._worker, now),
            )
            self._take_over()
            self.database.execute("DELETE FROM pace WHERE second < ?", (now - 2 * _WINDOW_S,))
        self._next_beat = now + _BEAT_S

    def _take_over(self) -> None:
        silent = (time.time() - _SILENCE_S,)
        database = self.database
        database.execute(_WITHHOLD, silent)
        database.execute("DELETE FROM held WHERE worker IN (SELECT id FROM worker WHERE seen < ?)", silent)
        database.execute("DELETE FROM worker WHERE seen < ?", silent)


class KeyAccount(Account):
    """The dollars of a key in one period: the ring's account, kept in the file.

    Args:
        ledger: writes them.
        key: whose.
        budget: of the key.
        period: the name of the period.
    """

    def __init__(self, ledger: Ledger, key: GatewayKey, budget: Budget, period: str) -> None:
        super().__init__(budget.limit, scope="key")
        self.period = period
        self._ledger = ledger
        self._key = key.id
        self._units = to_units(budget.limit)
        self._others = Decimal(0)

    def may_fit(self, amount: Decimal, owner: object) -> bool:
        """Return whether the amount would fit if all that other tasks of this process have set aside came back.

        It would not where they have set nothing aside: what other processes settle wakes nobody here.
        """
        self._refresh()
        return any(holder != owner for holder in self.held_by) and super().may_fit(
            amount + self._others, owner
        )

    def reserve(self, amount: Decimal, owner: object) -> bool:
        if not self._ledger.hold(self._key, self.period, to_units(amount), self._units):
            return False
        self._set_aside(amount, owner)
        return True

    def settle(self, amount: Decimal, cost: Decimal, owner: object, *, certain: bool) -> None:
        self._give_back(amount, owner)
        self._ledger.settle(
            self._key, self.period, to_units(amount), to_units(cost), self._units, certain=certain
        )

    def _refresh(self) -> None:
        """Read the amounts, which other processes change."""
        spent, withheld, excess, held = self._ledger.totals(self._key, self.period)
        self.spent, self.withheld, self.excess = to_dollars(spent), to_dollars(withheld), to_dollars(excess)
        self.reserved = to_dollars(sum(held.values()))
        self._others = to_dollars(self._ledger.held_by_others(held))


def _check_pace(what: str, limit: int | None, counts: list[tuple[int, int]], more: int, second: int) -> None:
    """Refuse a request that is beyond a pace.

    Raises:
        ProviderRateLimitError: it is; ``retry_after`` says when there is room again.
    """
    if limit is None:
        return
    left = sum(count for _, count in counts) + more - limit
    if left <= 0:
        return
    until = second
    for at, count in counts:
        until, left = at, left - count
        if left <= 0:
            break
    raise ProviderRateLimitError(
        f"this key allows {limit:,} {what} a minute", retry_after=max(1, until + _WINDOW_S + 1 - second)
    )
