"""``llmring batch status``, ``retry`` and ``export``: the journals of bulk jobs."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring.bulk import JournalState, journal_outcomes, journal_state, retry_failed

from llmring_cli._bulk import outcome_values
from llmring_cli._output import FAILED, count_text, dollars_text, print_json, print_table, report
from llmring_cli._parameters import AnswerSchema, Json
from llmring_cli._results import TableWriter, refuse_to_replace
from llmring_cli._schemas import read_schema
from llmring_cli.chat.message import refuse_link_out

Journal = Annotated[Path, Parameter(help="The journal of the job.")]


def status(journal: Journal, *, json: Json = False) -> int:
    """Show how far a bulk job has come, also while it runs. Exit code 1 if rows have failed.

    $ llmring batch status out.parquet.journal.db
    $ llmring batch status job.db --json
    """
    refuse_link_out(journal)
    state = journal_state(journal)
    if json:
        print_json(state)
    else:
        _print_state(state)
    return FAILED if state.failed else 0


def _print_state(state: JournalState) -> None:
    rows = [
        ("rows", f"{state.rows:,}"),
        ("answered", f"{state.answered:,}"),
        ("failed", f"{state.failed:,}"),
        *((f"  {kind}", f"{count:,}") for kind, count in sorted(state.errors.items())),
        ("under way, or cut off", f"{state.begun:,}"),
        ("cost", dollars_text(state.cost)),
        ("input tokens", f"{state.input_tokens:,}"),
        ("output tokens", f"{state.output_tokens:,}"),
        ("runs", f"{state.runs:,}, {state.open_runs:,} without an end"),
        ("started", state.started_at or ""),
        ("ended", state.ended_at or ""),
    ]
    if state.open_batches:
        rows.append(("batches not collected", f"{state.open_batches:,}"))
    print_table(("", "state"), rows)


def retry(
    journal: Journal,
    *,
    error: Annotated[list[str] | None, Parameter(negative="")] = None,
    json: Json = False,
) -> None:
    """Have the next run of a bulk job ask failed rows again.

    It asks those that timed out or were refused for a limit by itself; this is for errors that it keeps, such as a
    request that was rejected, or an answer that was not as asked.

    $ llmring batch retry job.db
    $ llmring batch retry job.db --error StructuredOutputError

    Args:
        error: Only rows with this error, by the name that status shows. May be given several times.
    """
    refuse_link_out(journal)
    count = retry_failed(journal, error or ())
    if json:
        print_json({"journal": str(journal), "retried": count})
    else:
        report(f"{count_text(count, 'request')} will be asked again by the next run")


def export(
    journal: Journal,
    *,
    schema: AnswerSchema = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
) -> None:
    """Write the outcomes of a bulk job as a table, also while it runs.

    Each row has the key, the columns that it had, the answer, and its error, model, cost and tokens.

    $ llmring batch export job.db --out so-far.csv
    $ llmring batch export job.db --schema cities.py:City --out cities.parquet
    $ llmring batch export job.db | jq -r .answer

    Args:
        out: The file, which ends in .jsonl, .csv, .tsv, .parquet or .db. Default: JSON lines on standard output.
    """
    refuse_link_out(journal)
    refuse_to_replace(out, journal)
    form = None if schema is None else read_schema(schema)
    with TableWriter(out, sys.stdout) as writer:
        for outcome in journal_outcomes(journal, form):
            writer.add(outcome_values(outcome, in_columns=schema is not None))
