"""``llmring server logs`` and ``llmring server stats``: the calls that the server has stored."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

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
from llmring_cli._parameters import Flag, Json, Since, Until
from llmring_cli.server.access import DEFAULT, ApiKey, EnvFile, ServerUrl, as_query, connected, require_access
from llmring_cli.server.answers import LogRow, Statistics, read_answer

_MOST = 500
Output = Literal["table", "json", "csv"]
Group = Literal["model", "alias", "origin", "day"]
Period = Literal["day", "week", "month"]


async def logs(
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1, lte=_MOST))] = 50,
    offset: Annotated[int, Parameter(validator=Number(gte=0))] = 0,
    model: str | None = None,
    alias: str | None = None,
    origin: str | None = None,
    since: Since = None,
    until: Until = None,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    as_csv: Annotated[Flag, Parameter(name="--csv")] = False,
    output: Output | None = None,
    output_file: Path | None = None,
    json: Json = False,
) -> None:
    """List the calls stored on the usage server for this key, newest first.

    Default period: the last 30 days. JSON output is the server's answer. Exit code 3 if the server cannot be
    reached.

    $ llmring server logs --limit 10
    $ llmring server logs --alias summarizer --since yesterday --csv

    Args:
        limit: Maximum number, up to 500.
        offset: Skip this many of the newest.
        model: Only calls of this model, named without its provider.
        alias: Only calls through this alias.
        origin: Only calls from this origin.
        as_csv: Print CSV with a header line.
        output: The form; --csv and --json are short for it. Default: table, or the suffix of the output file.
        output_file: Write JSON or CSV to this file.
    """
    form = _form_of(output, output_file, as_csv=as_csv, json=json)
    url, key = require_access(server, api_key, env_file)
    async with connected(url, key) as client:
        found = await client.logs(
            limit=limit,
            offset=offset,
            alias=alias,
            model=model,
            origin=origin,
            start_date=as_query(since),
            end_date=as_query(until),
        )
    if output_file is not None:
        data = (
            _as_csv(found).encode()
            if form == "csv"
            else msgspec.json.format(msgspec.json.encode(found)) + b"\n"
        )
        with replacing_output(output_file) as file:
            file.write(data)
        report(f"wrote {count_text(len(found), 'row')} to {output_file}")
    elif form == "json":
        print_json(found)
    elif form == "csv":
        write_exact(_as_csv(found))
    else:
        _show_calls(read_answer(found, list[LogRow]))


def _form_of(output: Output | None, file: Path | None, *, as_csv: bool, json: bool) -> Output:
    """Return the form, where all that name one agree.

    Raises:
        CommandError: they do not, or a table is to go into a file.
    """
    named: set[Output] = {form for form, given in (("csv", as_csv), ("json", json)) if given}  # type: ignore[misc]
    if output is not None:
        named.add(output)
    if len(named) > 1:
        raise CommandError(f"{', '.join(sorted(named))}: give one form")
    if named:
        (form,) = named
    elif file is not None:
        form = "csv" if file.suffix.lower() == ".csv" else "json"
    else:
        form = "table"
    if form == "table" and file is not None:
        raise CommandError("a file takes JSON or CSV: give --output json or --output csv")
    return form


def _as_csv(found: object) -> str:
    rows = read_answer(found, list[LogRow])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LogRow.__struct_fields__)
    writer.writerows(map(msgspec.structs.astuple, rows))
    return text.getvalue()


def _show_calls(rows: Sequence[LogRow]) -> None:
    if not rows:
        report("no calls")
    costs = dollars_texts([row.cost for row in rows])
    table = [
        (
            row.logged_at[:16].replace("T", " "),
            f"{row.provider}:{row.model}",
            row.alias or "-",
            row.origin or "-",
            f"{row.input_tokens:,}",
            f"{row.output_tokens:,}",
            cost,
        )
        for row, cost in zip(rows, costs, strict=True)
    ]
    print_table(("time (UTC)", "model", "alias", "origin", "input", "output", "cost"), table)


async def stats(
    *,
    by: Group | None = None,
    group_by: Period | None = None,
    since: Since = None,
    until: Until = None,
    server: ServerUrl = None,
    api_key: ApiKey = None,
    env_file: EnvFile = DEFAULT,
    json: Json = False,
) -> None:
    """Show the statistics of the usage server for this key.

    Default period: the last 30 days. For a day, the server counts only the most used model. JSON output is the
    server's answer. Exit code 3 if the server cannot be reached.

    $ llmring server stats
    $ llmring server stats --by alias --since 7d

    Args:
        by: The rows of the table. Default: model.
        group_by: Show a row for each day, in the periods of this length by which the server sums up.
    """
    if by is not None and group_by is not None:
        raise CommandError("--by and --group-by both choose the rows: give one of them")
    url, key = require_access(server, api_key, env_file)
    async with connected(url, key) as client:
        found = await client.stats(start_date=as_query(since), end_date=as_query(until), group_by=group_by)
    if json:
        print_json(found)
        return
    statistics = read_answer(found, Statistics)
    _show_statistics(statistics, by or ("model" if group_by is None else "day"))
    total = statistics.summary
    report(
        f"{count_text(total.total_requests, 'call')}, {dollars_text(total.total_cost)}, "
        f"{count_text(total.total_tokens, 'token')}"
    )


def _show_statistics(statistics: Statistics, by: Group) -> None:
    rows: list[tuple[str, ...]]
    if by == "day":
        days = statistics.by_day
        rows = [(day.date, day.top_model or "-", f"{day.requests:,}") for day in days]
        costs = dollars_texts([day.cost for day in days])
        print_table(("day", "most used model", "calls", "cost"), _beside(rows, costs))
        return
    groups = {"model": statistics.by_model, "alias": statistics.by_alias, "origin": statistics.by_origin}[by]
    costs = dollars_texts([sums.cost for sums in groups.values()])
    if by == "origin":  # of which the server has no tokens
        rows = [(name, f"{sums.requests:,}") for name, sums in groups.items()]
        print_table(("origin", "calls", "cost"), _beside(rows, costs))
        return
    rows = [
        (name, f"{sums.requests:,}", f"{sums.input_tokens:,}", f"{sums.output_tokens:,}")
        for name, sums in groups.items()
    ]
    print_table((by, "calls", "input", "output", "cost"), _beside(rows, costs))


def _beside(rows: Sequence[tuple[str, ...]], cells: Sequence[str]) -> list[tuple[str, ...]]:
    return [(*row, cell) for row, cell in zip(rows, cells, strict=True)]
