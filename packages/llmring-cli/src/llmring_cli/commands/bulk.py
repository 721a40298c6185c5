"""``llmring batch run`` and ``llmring batch plan``: the rows of a file as requests."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from llmring import Pace, Policy
from llmring.bulk import Plan

from llmring_cli._bulk import FileRows, ProgressReport, outcome_values
from llmring_cli._live import ring_for
from llmring_cli._output import (
    FAILED,
    WRONG_USAGE,
    CommandError,
    count_text,
    dollars_text,
    print_json,
    print_line,
    print_table,
    report,
    report_logs,
)
from llmring_cli._parameters import AnswerSchema, Count, Dollars, Flag, Json, ModelName, ProfileName
from llmring_cli._results import TableWriter, refuse_to_replace
from llmring_cli._schemas import read_schema
from llmring_cli.chat.message import refuse_link_out

Model = Annotated[
    ModelName | None, Parameter(alias="-m", help='An alias or provider:model. Default: "default".')
]
Prompt = Annotated[
    str | None,
    Parameter(
        alias="-p",
        help="The message, with columns in braces: {text}. With {{ }} or {% %} a template of Jinja. "
        'Default: the column "messages" of each row.',
    ),
]
System = Annotated[str | None, Parameter(help="The instructions, a template as well.")]
Key = Annotated[str | None, Parameter(help="The column that names the rows. Default: their numbers.")]
TableName = Annotated[str | None, Parameter(name="--table", help="The table of an SQLite file.")]
MaxTokens = Annotated[Count | None, Parameter(help="Most tokens of an answer.")]


def run(
    source: Path,
    *,
    model: Model = None,
    prompt: Prompt = None,
    system: System = None,
    schema: AnswerSchema = None,
    key: Key = None,
    table: TableName = None,
    max_tokens: MaxTokens = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    journal: Path | None = None,
    concurrency: Count = 64,
    budget: Dollars | None = None,
    via: Literal["live", "batch", "auto"] = "live",
    deadline: Count | None = None,
    requests_per_minute: Count | None = None,
    tokens_per_minute: Count | None = None,
    profile: ProfileName = None,
    quiet: Annotated[Flag, Parameter(alias="-q")] = False,
) -> int:
    """Answer every row of a file, and resume where an earlier run stopped.

    The file is JSON lines, CSV, Parquet or SQLite. Each row of the result has the key, the columns of the row, the
    answer, and its error, model, cost and tokens. A row that cannot be read or answered has an error, and the others
    follow. A job that was stopped or killed and is run again asks only what has no answer in its journal. Exit code 1
    if a row failed.

    $ llmring batch run data.csv --model summarizer --prompt "Sum up: {text}" --out out.parquet
    $ llmring batch run data.csv -m fast -p "Which city? {text}" --schema cities.py:City --out out.csv --budget 5
    $ llmring batch run requests.jsonl --via batch --out answers.jsonl

    Args:
        source: The file with the rows; its ending says what it holds.
        out: The file for the result, by its ending as well. Default: JSON lines on standard output.
        journal: The file that the job is resumed from. Default: the result's name with .journal.db.
        concurrency: Calls at once.
        budget: Most US dollars that the job may cost, its earlier runs included.
        via: Through the providers' batch APIs, for half the price within a day, or with a live tail (auto).
        deadline: Seconds that batches have; with auto, the rest is asked live then.
        requests_per_minute: Limit of the key. Default: learned from its answers.
        tokens_per_minute: Limit of the key. Default: learned from its answers.
        quiet: Report no progress.
    """
    if deadline is not None and via == "live":
        raise CommandError(
            "--deadline is the time that batches have: it needs --via auto or --via batch",
            exit_code=WRONG_USAGE,
        )
    refuse_to_replace(out, source, journal)
    fields = _fields(model, schema, max_tokens)
    rows = FileRows(source, fields, table=table, prompt=prompt, system=system, key=key)
    if journal is None and out is not None:
        journal = out.with_name(f"{out.name}.journal.db")
    if journal is not None:
        refuse_link_out(journal)
    options: dict[str, Any] = {
        "journal": journal,
        "concurrency": concurrency,
        "budget_usd": budget,
        "via": via,
        "deadline_s": deadline,
        "profile": profile,
        "total": rows.total,
        "ordered": True,
    }
    pace = Pace(requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute)
    try:
        failed, first = asyncio.run(
            _run(rows, out, pace, options, in_columns=schema is not None, quiet=quiet)
        )
    except KeyboardInterrupt:
        if journal is not None:
            report(f"stopped: the same command continues; the answers so far: llmring batch export {journal}")
        raise
    if failed:
        report(f"first error: {first}")
        again = "" if journal is None else f": llmring batch status {journal}"
        report(f"error: {count_text(failed, 'row')} failed{again}")
    return FAILED if failed else 0


async def _run(
    rows: FileRows, out: Path | None, pace: Pace, options: dict[str, Any], *, in_columns: bool, quiet: bool
) -> tuple[int, str]:
    report_logs()
    failed, first = 0, ""
    with TableWriter(out, sys.stdout) as writer, ProgressReport() as progress:
        async with await ring_for(rows.model, Policy(pace=pace)) as ring:
            if rows.model is not None:
                ring.resolve_alias(
                    rows.model, options["profile"]
                )  # one that is not bound fails once, not in each row
            job = ring.map(rows, on_progress=None if quiet else progress, **options)
            async with job as outcomes:
                async for outcome in outcomes:
                    if outcome.error is not None:
                        failed += 1
                        first = first or str(outcome.error)
                    writer.add(outcome_values(outcome, in_columns=in_columns))
    return failed, first


def plan(
    source: Path,
    *,
    model: Model = None,
    prompt: Prompt = None,
    system: System = None,
    schema: AnswerSchema = None,
    table: TableName = None,
    max_tokens: MaxTokens = None,
    output_tokens: Count | None = None,
    profile: ProfileName = None,
    json: Json = False,
) -> int:
    """Estimate the tokens and the cost of a bulk job.

    Rows, tokens, and dollars live and by batch are printed, and nothing is sent. Input tokens are estimated from the
    texts. Output tokens, and so the dollars, are the most that the requests and their models allow, unless
    --output-tokens says what to expect. Exit code 1 if a row cannot be sent.

    $ llmring batch plan data.csv --model summarizer --prompt "Sum up: {text}" --max-tokens 200
    $ llmring batch plan data.csv -m fast -p "{text}" --output-tokens 60 --json

    Args:
        source: The file with the rows; its ending says what it holds.
        output_tokens: Tokens expected of an answer. Default: the most that is allowed.
    """
    fields = _fields(model, schema, max_tokens)
    rows = FileRows(source, fields, table=table, prompt=prompt, system=system)
    found = asyncio.run(_plan(rows, output_tokens, profile))
    if json:
        print_json(found)
    else:
        _print_plan(found, is_bound=output_tokens is None)
    return FAILED if found.unreadable else 0


async def _plan(rows: FileRows, output_tokens: int | None, profile: str | None) -> Plan:
    report_logs()
    async with await ring_for(rows.model) as ring:
        return await ring.plan(rows, output_tokens=output_tokens, profile=profile)


def _print_plan(found: Plan, *, is_bound: bool) -> None:
    most = "at most " if is_bound else "about "
    batch = "unknown" if found.batch_usd is None else f"{most}{dollars_text(found.batch_usd)}"
    print_table(
        ("", "estimate"),
        [
            ("rows", f"{found.rows:,}"),
            ("rows that cannot be sent", f"{found.unreadable:,}"),
            ("rows that repeat another", f"{found.repeated:,}"),
            ("input tokens", f"about {found.input_tokens:,}"),
            ("output tokens", f"{most}{found.output_tokens:,}"),
            ("live", f"{most}{dollars_text(found.live_usd)}"),
            ("by batch", batch),
        ],
    )
    for name, count in found.models.items():
        print_line(f"{name}: {count_text(count, 'row')}")
    if found.first_error is not None:
        report(
            f"error: {count_text(found.unreadable, 'row')} cannot be sent, the first since: {found.first_error}"
        )
    if found.unpriced:
        report(f"warning: the price of {count_text(found.unpriced, 'row')} is not known and not counted")


def _fields(model: str | None, schema: str | None, max_tokens: int | None) -> dict[str, Any]:
    form = None if schema is None else read_schema(schema)
    return {"model": model, "max_tokens": max_tokens, "response_format": form}
