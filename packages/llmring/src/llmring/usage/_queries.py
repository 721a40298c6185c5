"""Queries of the log."""

from collections.abc import Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import Literal

import msgspec
from llmring_types.exceptions import ConfigurationError, ValidationError

from llmring.usage._database import FIELDS, open_to_read, place
from llmring.usage._entry import UsageEntry
from llmring.usage._moments import Moment, stamp

Group = Literal["model", "provider", "alias", "profile", "origin", "day", "key"]

_COLUMNS: dict[Group, str] = {
    "model": "provider || ':' || model",
    "provider": "provider",
    "alias": "alias",
    "profile": "profile",
    "origin": "origin",
    "day": "substr(logged_at, 1, 10)",
    "key": "CASE WHEN json_valid(metadata) THEN CAST(json_extract(metadata, '$.request.key') AS TEXT) END",
}

_UNPRICED = "SUM(cost IS NULL AND input_tokens IS NOT NULL)"
# Rounded where no price is: sums of binary fractions are not quite what they should be.
_SUMS = {
    "calls": "COUNT(*)",
    "answered": "SUM(ending = 'answered')",
    "input_tokens": "COALESCE(SUM(input_tokens), 0)",
    "output_tokens": "COALESCE(SUM(output_tokens), 0)",
    "cached_input_tokens": "COALESCE(SUM(cached_input_tokens), 0)",
    "cost": f"CASE WHEN COUNT(cost) = 0 AND {_UNPRICED} > 0 THEN NULL ELSE ROUND(TOTAL(cost), 12) END",
    "unpriced": _UNPRICED,
    "estimated": "SUM(estimated)",
    "failed_cost": "ROUND(TOTAL(failed_cost), 12)",
    "mean_latency_ms": "AVG(CASE WHEN ending = 'answered' THEN latency_ms END)",
}


class UsageStats(msgspec.Struct, frozen=True, kw_only=True):
    """The usage of a group of calls.

    Attributes:
        group: the value of each of the columns asked for, in their order: ``provider:model``, ``2026-11-22``, …
        calls: all of them.
        answered: those with a whole answer.
        input_tokens: of the calls where they are known.
        output_tokens: likewise.
        cached_input_tokens: likewise.
        cost: US dollars, of the calls whose cost is known, failed attempts left out; ``None`` where calls used
            something and no cost is known.
        unpriced: calls that used something whose cost is not known.
        estimated: calls whose figures are estimates.
        failed_cost: estimated dollars for attempts that failed.
        mean_latency_ms: of the answered calls; ``None`` where there are none.
    """

    group: tuple[str | None, ...]
    calls: int
    answered: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cost: float | None
    unpriced: int
    estimated: int
    failed_cost: float
    mean_latency_ms: float | None


class UsageLatency(msgspec.Struct, frozen=True, kw_only=True):
    """Times of the answered calls of a group, in milliseconds to the end of the answer.

    Attributes:
        name: the value of the column; ``None`` for calls that have none.
        calls: answered ones whose time is known.
        median_ms: a time that was measured (nearest rank).
        p95_ms: 95 of 100 calls took no longer; likewise.
    """

    name: str | None
    calls: int
    median_ms: int
    p95_ms: int


def stats(
    path: str | Path,
    *by: Group,
    since: Moment | None = None,
    until: Moment | None = None,
    origin: str | None = None,
    alias: str | None = None,
    model: str | None = None,
) -> list[UsageStats]:
    """Sum up the log.

    Args:
        path: the log.
        by: what to group by (``key`` is the id of a gateway's key); nothing gives one row for everything, or none where
            there is nothing.
        since: the first moment that counts.
        until: the last moment that counts.
        origin: only what this origin asked.
        alias: only what was asked by this alias.
        model: only this model, with its provider (``openai:gpt-4o``) or without.

    Returns:
        By day in order, otherwise the dearest first.

    Raises:
        ConfigurationError: there is no log, or it cannot be read.
        ValidationError: a moment is not a date or time, or there is no such group (also a ``ValueError``).
    """
    for group in by:
        if group not in _COLUMNS:
            raise ValidationError(
                f"usage is not grouped by {group!r}, but by {', '.join(_COLUMNS)}", field="by"
            )
    where, values = _where(since, until, origin, alias, model)
    columns = [_COLUMNS[group] for group in by]
    grouped = f"GROUP BY {', '.join(columns)}" if columns else "HAVING COUNT(*) > 0"
    order = "1" if by[:1] == ("day",) else "cost DESC, calls DESC, 1"
    select = ", ".join((*columns, *(f"{sum_} AS {name}" for name, sum_ in _SUMS.items())))
    query = f"SELECT {select} FROM usage {where} {grouped} ORDER BY {order}"  # noqa: S608 - columns of our own
    with open_to_read(place(path)) as connection:
        rows = connection.execute(query, values).fetchall()
    return [UsageStats(group=row[: len(by)], **dict(zip(_SUMS, row[len(by) :], strict=True))) for row in rows]


def latencies(
    path: str | Path, by: Group, *, since: Moment | None = None, until: Moment | None = None
) -> list[UsageLatency]:
    """Return the times of each group, the one with the most calls first. Arguments and errors: see :func:`stats`."""
    if by not in _COLUMNS:
        raise ValidationError(f"usage is not grouped by {by!r}, but by {', '.join(_COLUMNS)}", field="by")
    where, values = _where(since, until, None, None, None)
    timed = f"{where or 'WHERE TRUE'} AND ending = 'answered' AND latency_ms IS NOT NULL"
    query = f"""
        WITH timed AS (SELECT {_COLUMNS[by]} AS name, latency_ms FROM usage {timed}),
        ranked AS (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY name ORDER BY latency_ms) AS place,
            COUNT(*) OVER (PARTITION BY name) AS calls FROM timed
        )
        SELECT name, calls, MIN(CASE WHEN place * 2 >= calls THEN latency_ms END),
        MIN(CASE WHEN place * 20 >= calls * 19 THEN latency_ms END)
        FROM ranked GROUP BY name ORDER BY calls DESC, name
    """  # noqa: S608 - columns of our own
    with open_to_read(place(path)) as connection:
        rows = connection.execute(query, values).fetchall()
    return [UsageLatency(name=row[0], calls=row[1], median_ms=row[2], p95_ms=row[3]) for row in rows]


def read(
    path: str | Path,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    origin: str | None = None,
    alias: str | None = None,
    model: str | None = None,
) -> Iterator[UsageEntry]:
    """Return the rows of the log, oldest first, as they are read. Arguments and errors: see :func:`stats`."""
    where, values = _where(since, until, origin, alias, model)
    query = f"SELECT {', '.join(FIELDS)} FROM usage {where} ORDER BY logged_at, id"  # noqa: S608 - columns of our own
    with open_to_read(place(path)):  # raises for a file that is no log now, not with the first row
        return _rows(path, query, values)


def _rows(path: str | Path, query: str, values: Sequence[str]) -> Iterator[UsageEntry]:
    with open_to_read(place(path)) as connection:
        for row in connection.execute(query, values):
            try:
                yield msgspec.convert(dict(zip(FIELDS, row, strict=True)), UsageEntry, strict=False)
            except msgspec.ValidationError as error:
                raise ConfigurationError(
                    f"a row of the usage log {path} cannot be read: {error}", original=error
                ) from error


def _where(
    since: Moment | None, until: Moment | None, origin: str | None, alias: str | None, model: str | None
) -> tuple[str, Sequence[str]]:
    conditions = {
        "logged_at >= ?": None if since is None else stamp(since, time.min),
        "logged_at <= ?": None if until is None else stamp(until, time.max),
        "origin = ?": origin,
        "alias = ?": alias,
        f"{_COLUMNS['model']} = ?" if model is not None and ":" in model else "model = ?": model,
    }
    wanted = {condition: value for condition, value in conditions.items() if value is not None}
    return f"WHERE {' AND '.join(wanted)}" if wanted else "", tuple(wanted.values())
