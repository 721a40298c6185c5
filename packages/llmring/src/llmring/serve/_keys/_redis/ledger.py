"""Accounts in Redis, for the processes of all machines that use it."""

import secrets
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

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
from llmring.serve._keys._redis import scripts
from llmring.serve._keys._redis.link import Link
from llmring.serve._keys._redis.server import Script, Server, Step

PREFIX = "llmring:serve:"
_WORKERS = f"{PREFIX}workers"
_WORKER = f"{PREFIX}worker:"


class RedisLedger(Ledger):
    """Reads and writes accounts.

    Args:
        server: keeps them.
        link: takes the steps of gateways there.
    """

    per_dollar = 10**9

    def __init__(self, server: Server, link: Link) -> None:
        super().__init__()
        self._server = server
        self._link = link
        self._worker = secrets.token_hex(8)
        self._names = count()
        self._next_beat = 0.0
        self._ahead = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def set_clock(self, second: int) -> None:
        """Go by the server's clock, which shows this second."""
        ahead = second - time.time()
        if not -1 < self._ahead - ahead < 1:
            self._ahead = ahead

    async def hold(self, hold: KeyHold) -> Totals | None:
        self._beat()
        account = hold.account
        hold.name = f"{self._worker}:{next(self._names):x}"
        keys = (*_account(account.key, account.period), f"{_WORKER}{self._worker}")
        script = scripts.HOLD, keys, (hold.name, hold.amount, account.limit, self._worker)
        lack = await self._link.run(script, undo=self._settlement(hold, 0, certain=True))
        return Totals(*lack) if lack else None

    def settle(self, hold: KeyHold, cost: int, *, certain: bool) -> None:
        self._link.post(self._settlement(hold, cost, certain=certain))

    async def admit(self, key: GatewayKey, tokens: int) -> int:
        self._beat()
        while True:
            values = (_optional(key.rpm), _optional(key.tpm), tokens, WINDOW_S)
            second, *counts = await self._link.run((scripts.ADMIT, (_pace(key.id),), values))
            if not counts:
                return int(second)
            check_pace(key, _rows(counts[0], second - WINDOW_S), tokens, second)

    def correct(self, key: GatewayKey, second: int, tokens: int) -> None:
        self._link.post(self._correction(key, second, tokens))

    async def written(self) -> None:
        await self._link.flush()

    def totals(self, key: str, period: str) -> Totals:
        """Return an account as it is on the server, while the thread waits."""
        fields = ("spent", "withheld", "held")
        name, _ = _account(key, period)
        found = self._server.ask(lambda: self._server.direct.hmget(name, fields))
        spent, withheld, held = (int(each or 0) for each in found)
        return Totals(spent, withheld, 0, held)

    def leave(self) -> None:
        """Hand over what this process still holds."""
        if self._next_beat:
            self._next_beat = 0.0
            self._link.post(Step(lambda _: self._life(leaves=True), lasting=True))

    @staticmethod
    def _correction(key: GatewayKey, second: int, tokens: int) -> Step:
        def script(tried: bool) -> Script:
            # What may have been taken once takes nothing off a second time: the pace errs on the low side.
            return scripts.CORRECT, (_pace(key.id),), (second, max(0, tokens) if tried else tokens)

        return Step(script)

    @staticmethod
    def _settlement(hold: KeyHold, cost: int, *, certain: bool) -> Step:
        account = hold.account

        def script(tried: bool) -> Script:
            values = (hold.name, hold.amount, cost, account.limit, int(certain), int(tried))
            return scripts.SETTLE, _account(account.key, account.period), values

        return Step(script, lasting=True, then=lambda: account.release(hold))

    def _beat(self) -> None:
        """Give a sign of life, and withhold what the dead have left."""
        now = time.monotonic()
        if now >= self._next_beat:
            self._next_beat = now + BEAT_S
            self._link.post(Step(lambda _: self._life(leaves=False)))

    def _life(self, *, leaves: bool) -> Script:
        return scripts.BEAT, (_WORKERS,), (self._worker, SILENCE_S, _WORKER, int(leaves))


def _account(key: str, period: str) -> tuple[str, str]:
    """Return the names of an account and of its holds."""
    name = f"{PREFIX}spend:{key}:{period}"
    return name, f"{name}:held"


def _pace(key: str) -> str:
    return f"{PREFIX}pace:{key}"


def _optional(limit: int | None) -> int | str:
    return "" if limit is None else limit


def _rows(counts: list[Any], oldest: int) -> list[tuple[int, int, int]]:
    """Return second, requests and tokens, the oldest first, of fields such as ``r1764400000`` and their values."""
    found: dict[int, list[int]] = {}
    for field, value in zip(counts[::2], counts[1::2], strict=True):
        second = int(field[1:])
        if second >= oldest:
            found.setdefault(second, [0, 0])[field[:1] == b"t"] += int(value)
    return [(second, *found[second]) for second in sorted(found)]  # type: ignore[misc]  # two of them
