"""Ledgers of pacing: how far each lane has been given away, in memory, in a file, or in Redis.

Each dimension of a lane has a moment up to which its limit is used up; an amount moves it by the time that the limit
takes to bring as much, and may be used once no more than the burst lies ahead (the generic cell rate algorithm,
https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). Nothing has to be given back when a holder dies: its lease
is over with the time that it stood for.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeAlias

from llmring_types.exceptions import ConfigurationError, MissingSDKError

from llmring._runtime import Clock, SystemClock

Amounts: TypeAlias = "tuple[float, float, float, float]"
Rates: TypeAlias = Sequence[float | None]
DIMENSIONS = ("requests", "tokens", "input_tokens", "output_tokens")

BURST_S = 0.5
"""Seconds' worth that may be used at once."""
LONGEST_BLOCK_S = 60.0
"""A refusal stops a lane for a minute at most: one that is blocked for longer was written before its clock was set."""
_AWAY_S = 10.0
"""Seconds in which a server that has gone is not asked."""
_BUSY_S = 5.0
_APPLICATION = 0x4C4C4D50
"""``LLMP``: marks the file as ours. https://www.sqlite.org/pragma.html#pragma_application_id"""
_TABLE = """CREATE TABLE lane (
    name TEXT PRIMARY KEY,
    requests REAL NOT NULL,
    tokens REAL NOT NULL,
    input_tokens REAL NOT NULL,
    output_tokens REAL NOT NULL,
    blocked REAL NOT NULL
)"""
_READ = f"SELECT {', '.join(DIMENSIONS)}, blocked FROM lane WHERE name = ?"  # noqa: S608 - no input
_WRITE = "INSERT OR REPLACE INTO lane VALUES (?, ?, ?, ?, ?, ?)"


class Ledger(Protocol):
    """Gives amounts of lanes away.

    Attributes:
        lease_s: seconds' worth that are taken at once.
    """

    lease_s: float

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        """Give amounts away; return in how many seconds they may be used.

        Raises:
            ConfigurationError: the ledger cannot be used.
        """

    async def block(self, lane: str, seconds: float) -> None:
        """Give nothing away for so many seconds."""


def given(
    moments: Sequence[float], blocked: float, amounts: Sequence[float], rates: Rates, now: float
) -> tuple[float, list[float]]:
    """Return when the amounts may be used, and the moments after that. Pure.

    Args:
        moments: up to which each limit is used up.
        blocked: before which nothing may be used.
        amounts: what is wanted of each; less than nothing is given back.
        rates: what each limit brings in a second; ``None`` for no limit.
        now: the time.
    """
    start = max(now, blocked)
    freed = [
        moment if rate is None else moment + min(amount, 0.0) / rate
        for moment, amount, rate in zip(moments, amounts, rates, strict=True)
    ]
    for moment, rate in zip(freed, rates, strict=True):
        if rate is not None:
            start = max(start, moment - BURST_S)
    following = [
        moment if rate is None else max(moment, start) + max(amount, 0.0) / rate
        for moment, amount, rate in zip(freed, amounts, rates, strict=True)
    ]
    return start, following


class MemoryLedger:
    """The ledger of one ring: exact, call by call."""

    lease_s = 0.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lanes: dict[str, tuple[Sequence[float], float]] = {}
        self._lock = Lock()

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        now = self._clock.now()
        with self._lock:
            moments, blocked = self._lanes.get(lane, ((now,) * 4, now))
            start, following = given(moments, blocked, amounts, rates, now)
            self._lanes[lane] = (following, blocked)
        return start - now

    async def block(self, lane: str, seconds: float) -> None:
        until = self._clock.now() + seconds
        with self._lock:
            moments, blocked = self._lanes.get(lane, ((until,) * 4, until))
            self._lanes[lane] = ([max(moment, until) for moment in moments], max(blocked, until))


class FileLedger:
    """The ledger of the processes of a machine: an SQLite file that only its owner may write and read.

    Args:
        path: the file; made if it is not there.
        now: the time, the same for all processes.
    """

    lease_s = 0.25

    def __init__(self, path: str | Path, now: Callable[[], float] = time.time) -> None:
        from llmring._database import place  # noqa: PLC0415 - only for shared paces

        self._path = place(path)
        self._now = now
        self._create()

    def _create(self) -> None:
        from llmring._database import Form, create_or_check  # noqa: PLC0415 - only for shared paces

        create_or_check(self._path, Form("ledger of paces", _APPLICATION, 1, {"lane": _TABLE}))

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        def change(
            moments: Sequence[float], blocked: float, now: float
        ) -> tuple[float, Sequence[float], float]:
            start, following = given(moments, blocked, amounts, rates, now)
            return start - now, following, blocked

        return self._change(lane, change)

    async def block(self, lane: str, seconds: float) -> None:
        def change(
            moments: Sequence[float], blocked: float, now: float
        ) -> tuple[float, Sequence[float], float]:
            until = now + seconds
            return 0.0, [max(moment, until) for moment in moments], max(blocked, until)

        self._change(lane, change)

    def _change(
        self,
        lane: str,
        change: Callable[[Sequence[float], float, float], tuple[float, Sequence[float], float]],
    ) -> float:
        """Read, change and write a lane: less than a millisecond, a few times in a second."""
        import sqlite3  # noqa: PLC0415 - only for shared paces

        if not self._path.exists():  # somebody has emptied the cache that it is in
            self._create()
        try:
            with (
                closing(sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)) as database,
                database,
            ):
                database.execute("PRAGMA synchronous = OFF")
                database.execute("BEGIN IMMEDIATE")
                now = self._now()
                row = database.execute(_READ, (lane,)).fetchone()
                if row is None or row[-1] > now + LONGEST_BLOCK_S:
                    row = (now,) * 5
                *moments, blocked = row
                result, following, blocked = change(moments, blocked, now)
                database.execute(_WRITE, (lane, *following, max(blocked, now)))
        except (sqlite3.Error, TypeError) as error:
            raise ConfigurationError(f"the ledger of paces {self._path}: {error}", original=error) from error
        return result


class RedisLedger:
    """The ledger of several machines: a hash of Redis or Valkey for each lane, by the server's clock.

    Where the server goes away, each process paces alone until it is back: refusals slow those that are too many, and
    the calls of a whole job would fail otherwise.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
    """

    lease_s = 0.5

    def __init__(self, url: str) -> None:
        try:
            import redis  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingSDKError(
                "a pace shared over Redis needs its client: pip install 'llmring[redis]'", original=error
            ) from error
        self._errors = (redis.RedisError, OSError)
        try:
            self._client: Any = redis.Redis.from_url(url, socket_timeout=_BUSY_S)
        except ValueError as error:
            raise ConfigurationError(f"the address of the shared pace is none of Redis: {error}") from error
        self._script: Any = self._client.register_script(_SCRIPT)
        self._alone = MemoryLedger(SystemClock())
        self._has_answered = False
        self._again_at = -math.inf

    async def take(self, lane: str, amounts: Sequence[float], rates: Rates) -> float:
        wait = await self._run(lane, [0, BURST_S, *amounts, *(rate or 0 for rate in rates)])
        return await self._alone.take(lane, amounts, rates) if wait is None else wait

    async def block(self, lane: str, seconds: float) -> None:
        if await self._run(lane, [seconds, BURST_S, *(0,) * 8]) is None:
            await self._alone.block(lane, seconds)

    async def _run(self, lane: str, arguments: Sequence[float]) -> float | None:
        """Return the wait that the server states; ``None`` while it is away.

        Raises:
            ConfigurationError: it has never answered.
        """
        if time.monotonic() < self._again_at:
            return None
        from anyio import to_thread  # noqa: PLC0415 - only for shared paces

        try:
            wait = float(await to_thread.run_sync(self._ask, lane, arguments))
        except self._errors as error:
            kind = type(error).__name__
            if not self._has_answered:
                raise ConfigurationError(
                    f"the pace cannot be shared over Redis: {kind}; check the server and its address"
                ) from error
            self._again_at = time.monotonic() + _AWAY_S
            import logging  # noqa: PLC0415 - only for servers that go away

            logging.getLogger("llmring").warning(
                "the pace is not shared over Redis at present (%s): this process keeps to the limits alone",
                kind,
            )
            return None
        self._has_answered = True
        return wait

    def _ask(self, lane: str, arguments: Sequence[float]) -> Any:
        return self._script(keys=[f"llmring:pace:{lane}"], args=arguments)


_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local stored = redis.call('HMGET', KEYS[1], '1', '2', '3', '4', 'blocked')
local blocked = math.max(tonumber(stored[5]) or now, now)
local wait, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
if wait > 0 then blocked = math.max(blocked, now + wait) end
local start = blocked
local freed = {}
for i = 1, 4 do
  local amount, rate = tonumber(ARGV[2 + i]), tonumber(ARGV[6 + i])
  freed[i] = tonumber(stored[i]) or now
  if rate > 0 then
    freed[i] = freed[i] + math.min(amount, 0) / rate
    start = math.max(start, freed[i] - burst)
  end
end
for i = 1, 4 do
  local amount, rate, moment = tonumber(ARGV[2 + i]), tonumber(ARGV[6 + i]), freed[i]
  if rate > 0 then moment = math.max(moment, start) + math.max(amount, 0) / rate end
  redis.call('HSET', KEYS[1], tostring(i), string.format('%.6f', math.max(moment, blocked)))
end
redis.call('HSET', KEYS[1], 'blocked', string.format('%.6f', blocked))
redis.call('EXPIRE', KEYS[1], 600)
return string.format('%.6f', start - now)
"""


def open_ledger(where: str) -> Ledger:
    """Return the ledger at a path, at an address of Redis, or in an actor of Ray (``ray:NAME``).

    Raises:
        ConfigurationError: it cannot be used.
        MissingSDKError: the client of Redis, or Ray, is not installed.
    """
    if where.startswith("ray:"):
        from llmring.ray._ledger import RayLedger  # noqa: PLC0415 - only on a cluster

        return RayLedger(where.removeprefix("ray:"))
    if where.startswith(("redis://", "rediss://", "unix://")):
        return RedisLedger(where)
    return FileLedger(where)
