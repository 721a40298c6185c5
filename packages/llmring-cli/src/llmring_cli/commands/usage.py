"""``llmring stats`` and ``llmring export``: the local usage log."""

import io
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import msgspec
from cyclopts import Parameter
from llmring import usage_log_path
from llmring.usage import Format, Group, UsageStats, read
from llmring.usage import export as write
from llmring.usage import stats as sum_up

from llmring_cli._files import replacing_output
from llmring_cli._output import (
    CommandError,
    count_text,
    dollars_text,
    dollars_texts,
    print_json,
    print_table,
    report,
    write_exact,
)
from llmring_cli._parameters import Alias, Flag, Json, ModelName, Since, Until
from llmring_cli._waiting import waiting

if TYPE_CHECKING:
    from llmring_cli._table import Row

Measure = Literal["cost", "tokens", "calls"]
_WIDE = 72
"""Columns of a terminal that has room for every column of the table."""
_MOST_DAYS = 366
"""Days without calls are drawn in a chart of no more than a year."""

LogPath = Annotated[Path | None, Parameter(name="--log", help="The usage log. Default: LLMRING_USAGE_LOG.")]
OfModel = Annotated[
    ModelName | None, Parameter(help="Only this model's calls: provider:model, or the model alone.")
]
OfAlias = Annotated[Alias | None, Parameter(help="Only calls through this alias.")]
OfOrigin = Annotated[str | None, Parameter(help="Only calls from this origin.")]


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
    html: Path | None = None,
    svg: Path | None = None,
    log: LogPath = None,
    json: Json = False,
    verbose: Annotated[Flag, Parameter(name=("--verbose", "-v"))] = False,
) -> None:
    """Summarize the usage and cost of calls, from the local usage log.

    Applications write the log to the file in LLMRING_USAGE_LOG. Costs are US dollars and cover the calls with a
    known price; days are UTC. Exit code 1 if there is no log.

    $ llmring stats
    $ llmring stats --by day --since 7d --chart
    $ llmring stats --by alias --by model --origin my-app --json
    $ llmring stats --by day --since 30d --html usage.html

    Args:
        by: The groups. Default: model. May be given several times.
        chart: Draw bars instead of a table.
        measure: The length of the bars. Default: cost, or tokens if no cost is known.
        html: Also write table and chart to this file, a page that needs no network.
        svg: Also write the chart of the costs to this file, as a picture.
        verbose: Show also the calls without a complete answer, without a known price, and with estimated figures.
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
    if html is not None or svg is not None:
        from llmring_cli.page.reports import write_usage  # noqa: PLC0415 - needs an extra

        write_usage(rows, total, groups, html=html, svg=svg)
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
        _show(rows, groups, verbose=verbose)
    report(_summary(total))


def _show(rows: Sequence[UsageStats], groups: Sequence[Group], *, verbose: bool) -> None:
    columns: dict[str, list[str]] = {
        "calls": [f"{row.calls:,}" for row in rows],
        "input": [f"{row.input_tokens:,}" for row in rows],
        "cached": [f"{row.cached_input_tokens:,}" for row in rows],
        "output": [f"{row.output_tokens:,}" for row in rows],
        "cost": dollars_texts([row.cost for row in rows]),
        "seconds": [_seconds(row.mean_latency_ms) for row in rows],
    }
    if verbose:
        columns["failed"] = [f"{row.calls - row.answered:,}" for row in rows]
        columns["failed cost"] = dollars_texts([row.failed_cost for row in rows])
        columns["unpriced"] = [f"{row.unpriced:,}" for row in rows]
        columns["estimated"] = [f"{row.estimated:,}" for row in rows]
    elif sys.stdout.isatty() and get_terminal_size().columns < _WIDE:
        del columns["cached"], columns["seconds"]
    table = [(*map(_label, row.group), *cells) for row, *cells in zip(rows, *columns.values(), strict=True)]
    print_table((*groups, *columns), table)


def _draw(rows: Sequence[UsageStats], groups: Sequence[Group], measure: Measure) -> None:
    from llmring_cli._table import Row, print_bars  # noqa: PLC0415 - brings rich, for this alone

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
        parts.append(f"{total.calls - total.answered:,} without a complete answer")
    if total.unpriced:
        parts.append(f"{total.unpriced:,} of unknown cost")
    if total.failed_cost:
        parts.append(f"plus about {dollars_text(total.failed_cost)} for failed attempts")
    return "; ".join(parts)


def _seconds(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.1f}"


def _label(value: str | None) -> str:
    return "-" if value is None else value


def _plain(row: UsageStats, groups: Sequence[Group]) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "group": dict(zip(groups, row.group, strict=True))}


def export(
    *,
    format: Format | None = None,  # noqa: A002 - the option's name
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    since: Since = None,
    until: Until = None,
    model: OfModel = None,
    alias: OfAlias = None,
    origin: OfOrigin = None,
    log: LogPath = None,
) -> None:
    """Write the rows of the local usage log for other tools.

    One row per call: tokens, cost, times and origin; no messages. Parquet needs pyarrow. An existing file is
    replaced atomically. Exit code 1 if there is no log.

    $ llmring export --format csv --output usage.csv
    $ llmring export --format jsonl --since 7d | jq .cost
    $ llmring export --output usage.json

    Args:
        format: The format. Default: the suffix of the output file, else csv.
        output: The file. Default: standard output.
    """
    form = format or _form_of(output)
    entries = read(find_usage_log(log), since=since, until=until, model=model, alias=alias, origin=origin)
    if output is None:
        if form == "parquet" and sys.stdout.isatty():
            raise CommandError("parquet cannot be shown on a terminal; write it with --output FILE")
        if sys.stdout.isatty():
            text = io.BytesIO()
            write(entries, text, form)
            write_exact(text.getvalue().decode())
        else:
            write(entries, sys.stdout.buffer, form)
        return
    with waiting(f"writing {output}"), replacing_output(output) as file:
        count = write(entries, file, form)
    report(f"wrote {count:,} rows to {output}")


def _form_of(output: Path | None) -> Format:
    suffix = "" if output is None else output.suffix.removeprefix(".").lower()
    return next((form for form in get_args(Format) if form == suffix), "csv")


def find_usage_log(path: Path | None) -> Path:
    """Return the log: the one named, else the one that rings of this environment write.

    Raises:
        CommandError: there is none.
    """
    path = path or usage_log_path()
    if path is None:
        raise CommandError(
            "there is no usage log: set LLMRING_USAGE_LOG=FILE for the application, so that it writes one, "
            "or name one with --log FILE"
        )
    return path
