"""``llmring stats``."""

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from llmring.usage import Group, UsageStats
from llmring.usage import stats as sum_up

from llmring_cli._amounts import count_text, dollars_text, dollars_texts
from llmring_cli._moments import Since, Until
from llmring_cli._output import print_json, print_table, report
from llmring_cli._parameters import Flag, Json
from llmring_cli._usage_log import LogPath, OfAlias, OfModel, OfOrigin, find_usage_log

if TYPE_CHECKING:
    from llmring_cli._bars import Row

Measure = Literal["cost", "tokens", "calls"]
_WIDE = 72
"""Columns of a terminal that has room for every column of the table."""
_MOST_DAYS = 366
"""Days without calls are drawn in a chart of no more than a year."""


def stats(
    *,
    by: Annotated[list[Group] | None, Parameter(negative="")] = None,
    since: Since = None,
    until: Until = None,
    model: OfModel = None,
    alias: OfAlias = None,
    origin: OfOrigin = None,
    chart: Flag = False,
    measure: Measure | None = None,
    log: LogPath = None,
    json: Json = False,
) -> None:
    """Sum up what calls used and cost, from the local usage log.

    Applications write the log where LLMRING_USAGE_LOG names a file. Costs are US dollars, of the calls whose
    price is known; days are UTC. Exit code 1 when there is no log.

    $ llmring stats
    $ llmring stats --by day --since 7d --chart
    $ llmring stats --by alias --by model --origin my-app --json

    Args:
        by: What to group by; model when it is left out. May be given several times.
        chart: Draw bars instead of a table.
        measure: How long the bars are; cost when it is left out, or tokens where no cost is known.
    """
    path = find_usage_log(log)
    groups = tuple(by or ("model",))
    filters: dict[str, Any] = {
        "since": since,
        "until": until,
        "model": model,
        "alias": alias,
        "origin": origin,
    }
    rows = sum_up(path, *groups, **filters)
    total = next(iter(sum_up(path, **filters)), None)
    if json:
        print_json(
            {
                "log": str(path),
                "by": groups,
                "since": since,
                "until": until,
                "groups": [_plain(row, groups) for row in rows],
                "total": total and _plain(total, ()),
            }
        )
        return
    if total is None:
        report(f"{path}: no calls")
        return
    if chart:
        _draw(rows, groups, measure or ("cost" if total.cost else "tokens"))
    else:
        _show(rows, groups)
    report(_summary(total))


def _show(rows: Sequence[UsageStats], groups: Sequence[Group]) -> None:
    columns: dict[str, list[str]] = {
        "calls": [f"{row.calls:,}" for row in rows],
        "input": [f"{row.input_tokens:,}" for row in rows],
        "cached": [f"{row.cached_input_tokens:,}" for row in rows],
        "output": [f"{row.output_tokens:,}" for row in rows],
        "cost": dollars_texts([row.cost for row in rows]),
        "seconds": [_seconds(row.mean_latency_ms) for row in rows],
    }
    if sys.stdout.isatty() and get_terminal_size().columns < _WIDE:
        del columns["cached"], columns["seconds"]
    table = [(*map(_label, row.group), *cells) for row, *cells in zip(rows, *columns.values(), strict=True)]
    print_table((*groups, *columns), table)


def _draw(rows: Sequence[UsageStats], groups: Sequence[Group], measure: Measure) -> None:
    from llmring_cli._bars import Row, print_bars  # noqa: PLC0415 - brings rich, for this alone

    values = [_value(row, measure) for row in rows]
    texts = (
        dollars_texts(values)
        if measure == "cost"
        else ["?" if value is None else f"{value:,}" for value in values]
    )
    bars = [
        Row(tuple(map(_label, row.group)), value or 0, text)
        for row, value, text in zip(rows, values, texts, strict=True)
    ]
    if tuple(groups) == ("day",):
        bars = _with_idle_days(bars)
    print_bars(bars)


def _value(row: UsageStats, measure: Measure) -> float | None:
    if measure == "cost":
        return row.cost
    return row.calls if measure == "calls" else row.input_tokens + row.output_tokens


def _with_idle_days(bars: "Sequence[Row]") -> "list[Row]":
    """Return the bars with an empty one for every day between them, unless there are too many."""
    drawn = {bar.labels[0]: bar for bar in bars}
    first, last = min(drawn), max(drawn)
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:  # another program's rows
        return list(bars)
    count = (end - start).days + 1
    if count > _MOST_DAYS:
        return list(bars)
    days = [str(start + timedelta(days=number)) for number in range(count)]
    return [drawn.get(day) or bars[0]._replace(labels=(day,), value=0, text="") for day in days]


def _summary(total: UsageStats) -> str:
    parts = [f"{count_text(total.calls, 'call')}, {dollars_text(total.cost)}"]
    if total.calls > total.answered:
        parts.append(f"{total.calls - total.answered:,} of them without a whole answer")
    if total.unpriced:
        parts.append(f"{total.unpriced:,} whose cost is not known")
    if total.failed_cost:
        parts.append(f"failed attempts about {dollars_text(total.failed_cost)} more")
    return "; ".join(parts)


def _seconds(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.1f}"


def _label(value: str | None) -> str:
    return "-" if value is None else value


def _plain(row: UsageStats, groups: Sequence[Group]) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "group": dict(zip(groups, row.group, strict=True))}
