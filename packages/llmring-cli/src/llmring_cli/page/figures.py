"""The figures of the page: sums and times of the usage log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from llmring.usage import UsageLatency, UsageStats, latencies, stats

PERIODS = (1, 7, 30, 90)
"""Days, today included, that can be chosen."""


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


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Usage of a period; ``total`` is ``None`` where there was no call."""

    total: Row | None
    by_day: Sequence[Row]
    by_alias: Sequence[Row]
    by_model: Sequence[Row]
    by_key: Sequence[Row]
    times: Sequence[UsageLatency]


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
    total = [row_of(found, "all") for found in stats(log, since=since, until=today)]
    by_day = [row_of(found, "") for found in stats(log, "day", since=since, until=today)]
    by_key = stats(log, "key", since=since, until=today)
    return Usage(
        total=total[0] if total else None,
        by_day=every_day(by_day, since, days),
        by_alias=[row_of(found, "no alias") for found in stats(log, "alias", since=since, until=today)],
        by_model=[row_of(found, "no model") for found in stats(log, "model", since=since, until=today)],
        by_key=[_named(row_of(found, "no key"), key_names) for found in by_key],
        times=latencies(log, "alias", since=since, until=today),
    )


def row_of(found: UsageStats, missing: str) -> Row:
    """Return the line of a group.

    Args:
        found: its sums.
        missing: the name of what has none, as calls without an alias.
    """
    return Row(
        name=" / ".join(missing if name is None else name for name in found.group) or missing,
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


def every_day(rows: Iterable[Row], first: date, days: int) -> list[Row]:
    """Return a line for each day, an empty one for those without calls."""
    known = {row.name: row for row in rows}
    names = [str(first + timedelta(days=number)) for number in range(days)]
    return [known.get(name) or Row(name=name) for name in names]
