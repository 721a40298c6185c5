"""The figures of the page: sums and times of the usage log."""

import math
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from llmring.usage import UsageStats, read, stats

PERIODS = (1, 7, 30, 90)
"""Days, today included, that can be chosen."""
_TIMES_KEPT = 10_000
"""Calls of an alias whose times are compared, the last ones: more need memory and say little else."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a table of sums; dollars are ``None`` where calls used something and no price is known."""

    name: str
    calls: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0
    unpriced: int = 0
    failed_cost: float = 0.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the answered calls of an alias or model, to the end of the answer."""

    name: str
    calls: int
    median: float
    p95: float


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What was used in a period; ``total`` is ``None`` where there was no call."""

    total: Row | None
    by_day: Sequence[Row]
    by_alias: Sequence[Row]
    by_model: Sequence[Row]
    by_key: Sequence[Row]
    times: Sequence[Times]


def usage_of(log: Path, *, today: date, days: int, key_names: Mapping[str, str]) -> Usage:
    """Read the usage log.

    Args:
        log: the file.
        today: the last day, in UTC.
        days: how many, today included.
        key_names: of the gateway's keys, by id.

    Raises:
        ConfigurationError: there is no log, or it cannot be read.
    """
    since = today - timedelta(days=days - 1)
    total = [_row(found, "all") for found in stats(log, since=since, until=today)]
    by_key = stats(log, "key", since=since, until=today)
    return Usage(
        total=total[0] if total else None,
        by_day=_every_day(stats(log, "day", since=since, until=today), since, days),
        by_alias=[_row(found, "no alias") for found in stats(log, "alias", since=since, until=today)],
        by_model=[_row(found, "no model") for found in stats(log, "model", since=since, until=today)],
        by_key=[_named(_row(found, "no key"), key_names) for found in by_key],
        times=_times(log, since, today),
    )


def _row(found: UsageStats, missing: str) -> Row:
    name = found.group[0] if found.group else None
    return Row(
        name=missing if name is None else name,
        calls=found.calls,
        failed=found.calls - found.answered,
        input_tokens=found.input_tokens,
        output_tokens=found.output_tokens,
        cost=found.cost,
        unpriced=found.unpriced,
        failed_cost=found.failed_cost,
    )


def _named(row: Row, names: Mapping[str, str]) -> Row:
    name = names.get(row.name)
    return msgspec.structs.replace(row, name=f"{name} ({row.name})") if name else row


def _every_day(found: Iterable[UsageStats], first: date, days: int) -> list[Row]:
    rows = {row.name: row for row in (_row(each, "") for each in found)}
    names = [str(first + timedelta(days=number)) for number in range(days)]
    return [rows.get(name) or Row(name=name) for name in names]


def _times(log: Path, since: date, until: date) -> list[Times]:
    seconds: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_TIMES_KEPT))
    for entry in read(log, since=since, until=until):
        if entry.ending == "answered" and entry.latency_ms is not None:
            seconds[entry.alias or f"{entry.provider}:{entry.model}"].append(entry.latency_ms / 1000)
    found = [
        Times(name=name, calls=len(each), median=quantile(each, 0.5), p95=quantile(each, 0.95))
        for name, each in seconds.items()
    ]
    return sorted(found, key=lambda times: (-times.calls, times.name))


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that so large a share of them does not exceed (nearest rank); there must be one."""
    ordered = sorted(values)
    rank = max(1, math.ceil(share * len(ordered)))
    return ordered[rank - 1]
