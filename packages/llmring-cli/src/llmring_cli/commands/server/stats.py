"""``llmring server stats``."""

from collections.abc import Sequence
from typing import Literal

from llmring_cli._failure import CommandError
from llmring_cli._output import count_text, dollars_text, dollars_texts, print_json, print_table, report
from llmring_cli._parameters import Json, Since, Until
from llmring_cli.server.access import ApiKey, EnvFile, ServerUrl, as_query, connected, require_access
from llmring_cli.server.answers import Statistics, read_answer
from llmring_cli.server.env_file import DEFAULT

Group = Literal["model", "alias", "origin", "day"]
Period = Literal["day", "week", "month"]


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
    _show(statistics, by or ("model" if group_by is None else "day"))
    total = statistics.summary
    report(
        f"{count_text(total.total_requests, 'call')}, {dollars_text(total.total_cost)}, "
        f"{count_text(total.total_tokens, 'token')}"
    )


def _show(statistics: Statistics, by: Group) -> None:
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
