"""Accounts in the SQLite file of keys, for all processes of one machine."""

import secrets
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llmring.serve._keys._database import Database
from llmring.serve._keys._key import GatewayKey
from llmring.serve._keys._ledger import (
    BEAT_S,
    SILENCE_S,
    WINDOW_S,
    KeyHold,
    Ledger,
    Totals,
    check_pace,
)

if TYPE_CHECKING:
    import sqlite3

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


class FileLedger(Ledger):
    """Reads and writes accounts. Its coroutines do I/O of a fraction of a millisecond, and do not suspend.

    Args:
        database: the store's.
    """

    per_dollar = 10**12

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._worker = secrets.token_hex(8)
        self._next_beat = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    def totals(self, key: str, period: str) -> Totals:
        """Return an account as it is in the file."""
        with self._database as connection:
            return self._totals(connection, key, period)

    async def hold(self, hold: KeyHold) -> Totals | None:
        if time.time() >= self._next_beat:
            self._beat()
        account = hold.account
        values = {
            "key": account.key,
            "period": account.period,
            "worker": self._worker,
            "amount": hold.amount,
            "limit": account.limit,
        }
        with self._database as connection:
            if hold.amount <= account.limit and connection.execute(_HOLD, values).rowcount > 0:
                return None
            return self._totals(connection, account.key, account.period)

    def settle(self, hold: KeyHold, cost: int, *, certain: bool) -> None:
        account, amount = hold.account, hold.amount
        key, period = account.key, account.period

        def count(connection: "sqlite3.Connection") -> None:
            self._release(connection, hold)
            counted = cost
            if cost > amount:
                now = self._totals(connection, key, period)
                left = account.limit - now.spent - now.withheld - now.own - now.others
                counted = min(cost, max(left, amount))
            kept = 0 if certain else max(amount - counted, 0)
            connection.execute(_ADD_SPEND, (key, period, counted, kept, cost - counted))

        self._database.post(
            count, f"what a call of key {key} has cost stays set aside", lambda: account.release(hold)
        )

    async def admit(self, key: GatewayKey, tokens: int) -> int:
        if time.time() >= self._next_beat:
            self._beat()
        while True:
            second = int(time.time())
            oldest = second - WINDOW_S
            values = {"key": key.id, "second": second, "oldest": oldest, "tokens": tokens}
            with self._database as connection:
                if connection.execute(_ADMIT, {**values, "rpm": key.rpm, "tpm": key.tpm}).rowcount > 0:
                    return second
                rows = connection.execute(
                    "SELECT second, requests, tokens FROM pace WHERE key = ? AND second >= ? ORDER BY second",
                    (key.id, oldest),
                ).fetchall()
            check_pace(key, rows, tokens, second)

    def correct(self, key: GatewayKey, second: int, tokens: int) -> None:
        def count(connection: "sqlite3.Connection") -> None:
            connection.execute(_CORRECT, (key.id, second, tokens, tokens))

        self._database.post(count, f"the tokens of a call of key {key.id} are counted by estimate")

    async def written(self) -> None:
        self._database.written()

    def close(self) -> None:
        """Hand over what this process still holds, and close the file."""

        def leave(connection: "sqlite3.Connection") -> None:
            connection.execute("UPDATE worker SET seen = 0 WHERE id = ?", (self._worker,))
            _take_over(connection)

        self._database.post(leave, "the key store could not be closed in order")
        self._database.close()

    def _totals(self, connection: "sqlite3.Connection", key: str, period: str) -> Totals:
        spent, withheld = connection.execute(
            "SELECT spent, withheld FROM spend WHERE key = ? AND period = ?", (key, period)
        ).fetchone() or (0, 0)
        held = dict(
            connection.execute("SELECT worker, amount FROM held WHERE key = ? AND period = ?", (key, period))
        )
        own = held.pop(self._worker, 0)
        return Totals(spent, withheld, own, sum(held.values()))

    def _release(self, connection: "sqlite3.Connection", hold: KeyHold) -> None:
        """Give back what was set aside, also where a process that took this one for dead has withheld it."""
        key, period, amount = hold.account.key, hold.account.period, hold.amount
        found = connection.execute(
            "UPDATE held SET amount = amount - ? WHERE key = ? AND period = ? AND worker = ? AND amount >= ?",
            (amount, key, period, self._worker, amount),
        )
        if not found.rowcount:
            connection.execute(
                "UPDATE spend SET withheld = MAX(0, withheld - ?) WHERE key = ? AND period = ?",
                (amount, key, period),
            )

    def _beat(self) -> None:
        """Give a sign of life, withhold what the dead have left, and drop seconds that no pace counts any more."""
        now = time.time()
        with self._database.change() as connection:
            connection.execute(
                "INSERT INTO worker VALUES (?, ?) ON CONFLICT DO UPDATE SET seen = excluded.seen",
                (self._worker, now),
            )
            _take_over(connection)
            connection.execute("DELETE FROM pace WHERE second < ?", (now - 2 * WINDOW_S,))
        self._next_beat = now + BEAT_S


def _take_over(connection: "sqlite3.Connection") -> None:
    silent = (time.time() - SILENCE_S,)
    connection.execute(_WITHHOLD, silent)
    connection.execute("DELETE FROM held WHERE worker IN (SELECT id FROM worker WHERE seen < ?)", silent)
    connection.execute("DELETE FROM worker WHERE seen < ?", silent)
