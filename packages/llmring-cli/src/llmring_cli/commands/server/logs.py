"""``llmring server logs``."""

import csv
import io
from collections.abc import Sequence
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from llmring_cli._output import dollars_texts, print_json, print_table, report, write_exact
from llmring_cli._parameters import Flag, Json, Since, Until
from llmring_cli.server.access import ApiKey, EnvFile, ServerUrl, as_query, connected, require_access
from llmring_cli.server.answers import LogRow, read_answer
from llmring_cli.server.env_file import DEFAULT

_MOST = 500


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
    """
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
    if json:
        print_json(found)
        return
    rows = read_answer(found, list[LogRow])
    if as_csv:
        _write_csv(rows)
    else:
        _show(rows)


def _write_csv(rows: Sequence[LogRow]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LogRow.__struct_fields__)
    writer.writerows(map(msgspec.structs.astuple, rows))
    write_exact(text.getvalue())


def _show(rows: Sequence[LogRow]) -> None:
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
