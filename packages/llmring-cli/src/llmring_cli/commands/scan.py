"""``llmring scan-models``: the bare names of models in a repository."""

from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from llmring import open_registry
from llmring_lockfile import SarifPlace, SarifResult, sarif_log

from llmring_cli._files import write_output
from llmring_cli._models import price_text
from llmring_cli._output import (
    FAILED,
    CommandError,
    count_text,
    one_line,
    print_json,
    print_table,
    report,
    write_exact,
)
from llmring_cli._parameters import Count, Json, today
from llmring_cli._run import version_text
from llmring_cli.scanner.review import STATUSES, FoundName, Judge, Outcome, Status, review
from llmring_cli.scanner.sources import read_repository

FailOn = Literal["never", "retired", "retiring", "any"]
Output = Annotated[Path | None, Parameter(allow_leading_hyphen=True)]
_HEADERS = ("where", "name", "status", "retires", "successor", "$ in/out")
_FAILING: dict[FailOn, frozenset[Status]] = {
    "never": frozenset(),
    "retired": frozenset({"retired"}),
    "retiring": frozenset({"retired", "retiring"}),
    "any": frozenset(STATUSES),
}
_RULES = {
    "retired": "The provider no longer serves a model that the code names.",
    "retiring": "The provider will soon no longer serve a model that the code names.",
    "superseded": "A later version of a model that the code names costs no more.",
    "unlisted": "The registry does not list a model that the code names.",
    "current": "The code names a model. A lockfile can name it in its place.",
}
_LEVELS: dict[Status, Literal["error", "warning", "note"]] = {
    "retired": "error",
    "retiring": "warning",
    "superseded": "note",
    "unlisted": "warning",
    "current": "note",
}
_MARKDOWN_ROWS = 100


def scan_models(
    *paths: Path,
    fail_on: FailOn = "retired",
    days: Count = 90,
    exclude: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    sarif: Output = None,
    markdown: Output = None,
    json: Json = False,
) -> int:
    """Find the names of models in code and configuration.

    Strings and values are searched, in some forty languages; comments and prose are not. No lockfile, key or network
    is needed, and .gitignore is respected. A comment "llmring: ignore" excepts its line. Exit code 1 if a model is
    found that --fail-on is about.

    $ llmring scan-models
    $ llmring scan-models src --fail-on retiring --days 30
    $ llmring scan-models --sarif models.sarif --markdown models.md

    Args:
        paths: Files and folders. Default: the working directory.
        fail_on: What makes the command fail: retired models, those retiring too, or any name at all.
        days: Treat models as retiring this many days before their retirement.
        exclude: Leave out what these patterns match, as in .gitignore.
        sarif: Also write SARIF 2.1.0 to this file; "-" writes only it, to standard output.
        markdown: Also write a table for a pull request to this file; "-" writes only it.
    """
    roots = paths or (Path(),)
    for root in roots:
        if not root.exists():
            raise CommandError(f"there is no {root}")
    judge = Judge(open_registry(), today=today(), within_days=days)
    outcome = review(chain.from_iterable(read_repository(root, exclude=exclude) for root in roots), judge)
    if markdown is not None:
        _write(markdown, _markdown(outcome))
    if sarif is not None:
        document = msgspec.json.encode(_sarif(outcome))
        _write(sarif, msgspec.json.format(document, indent=2).decode() + "\n")
    if json:
        print_json(_plain(outcome))
    elif "-" not in (str(sarif), str(markdown)):
        print_table(_HEADERS, [_row(group, places=1) for group in outcome.by_name()])
        _summarize(outcome)
    return FAILED if any(found.judgement.status in _FAILING[fail_on] for found in outcome.found) else 0


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        write_exact(text)
    else:
        write_output(path, text.encode())


def _row(group: tuple[FoundName, ...], *, places: int) -> tuple[str, ...]:
    """One name with its first places."""
    first = group[0]
    judgement = first.judgement
    prices = judgement.prices
    price = "?" if prices.input is None else f"{price_text(prices.input)}/{price_text(prices.output)}"
    day = judgement.retires_on
    where = ", ".join(f"{found.path}:{found.line}:{found.column}" for found in group[:places])
    more = f" and {len(group) - places:,} more" if len(group) > places else ""
    return (
        where + more,
        first.text,
        judgement.status,
        "-" if day is None else day.isoformat(),
        "-" if judgement.successor is None else str(judgement.successor),
        price,
    )


def _summarize(outcome: Outcome) -> None:
    for path, problem in outcome.skipped:
        report(f"warning: {path} was not read: {problem}")
    for note in sorted({found.judgement.note for found in outcome.found if found.judgement.note}):
        report(f"note: {note}")
    counted = [f"{count} {status}" for status, count in outcome.counts().items() if count]
    what = f": {', '.join(counted)}" if counted else ""
    names = count_text(len(outcome.found), "name")
    report(f"{names} of models in {count_text(outcome.files, 'file')}{what}")


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "files": outcome.files,
        "counts": outcome.counts(),
        "skipped": [{"path": str(path), "problem": problem} for path, problem in outcome.skipped],
        "found": [_plain_name(found) for found in outcome.found],
    }


def _plain_name(found: FoundName) -> dict[str, Any]:
    judgement = found.judgement
    return {
        "path": str(found.path),
        "line": found.line,
        "column": found.column,
        "text": found.text,
        "host": found.name.host,
        "vendor": found.name.vendor,
        "model": found.name.model,
        "status": judgement.status,
        "retires_on": judgement.retires_on,
        "successor": None if judgement.successor is None else str(judgement.successor),
        "input_price": None if judgement.prices.input is None else float(judgement.prices.input),
        "output_price": None if judgement.prices.output is None else float(judgement.prices.output),
        "note": judgement.note,
    }


def _message(found: FoundName) -> str:
    judgement = found.judgement
    said = {
        "retired": "is retired",
        "retiring": "is being retired",
        "superseded": "has a later version",
        "unlisted": "is not listed by the registry",
        "current": "is named in the code",
    }[judgement.status]
    day = "" if judgement.retires_on is None else f" ({judgement.retires_on})"
    successor = "" if judgement.successor is None else f"; use {judgement.successor} instead"
    note = "" if judgement.note is None else f". {judgement.note}"
    return f"{found.text} {said}{day}{successor}{note}"


def _sarif(outcome: Outcome) -> dict[str, Any]:
    here = Path.cwd()
    results = []
    for found in outcome.found:
        whole = found.path.absolute()
        path = whole.relative_to(here) if whole.is_relative_to(here) else whole
        place = SarifPlace(
            path=path, line=found.line, column=found.column, end_column=found.column + len(found.text)
        )
        results.append(
            SarifResult(
                rule=found.judgement.status,
                level=_LEVELS[found.judgement.status],
                message=_message(found),
                places=(place,),
                identity=(found.judgement.status, path.as_posix(), found.text),
            )
        )
    return sarif_log(results, _RULES, version=version_text())


def _markdown(outcome: Outcome) -> str:
    """A table for a comment on a pull request; whatever the repository says is code in it."""
    rows = outcome.by_name()
    counted = ", ".join(f"{count} {status}" for status, count in outcome.counts().items() if count)
    lines = [
        f"### Models named in the code: {counted or 'none'}",
        "",
        "| where | name | status | retires | successor | $ per million tokens, in/out |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for group in rows[:_MARKDOWN_ROWS]:
        place, text, status, day, successor, price = (_cell(cell) for cell in _row(group, places=3))
        shown = successor if successor == "-" else f"`{successor}`"
        lines.append(f"| `{place}` | `{text}` | {status} | {day} | {shown} | {price} |")
    if len(rows) > _MARKDOWN_ROWS:
        lines += ["", f"{len(rows) - _MARKDOWN_ROWS:,} more are left out."]
    return "\n".join(lines) + "\n" if rows else f"{lines[0]}\n"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|").replace("`", "'")
