"""Bulk jobs from files: rows as requests, schemas of answers, rows of outcomes, and progress."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmring import LLMRequest, LLMRingError
from llmring.bulk import Outcome, Progress, RequestTemplate, Row, parsed_values
from llmring_types.exceptions import ValidationError

from llmring_cli._output import WRONG_USAGE, CommandError, count_text, dollars_text, report
from llmring_cli._tables import Values, count_rows, read_rows

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

_LINE_S = 60.0
"""Seconds between two lines of progress where there is no terminal."""


class FileRows:
    """The rows of a file as requests, read one by one.

    Args:
        path: the file.
        fields: of every request.
        table: of an SQLite file.
        prompt: the template of the message; without it the rows have ``messages``.
        system: the template of the instructions.
        key: the column that names the rows; without it their numbers do.
    """

    def __init__(
        self,
        path: Path,
        fields: dict[str, Any],
        *,
        table: str | None,
        prompt: str | None,
        system: str | None,
        key: str | None = None,
    ) -> None:
        self._path = path
        self._table = table
        self._key = key
        try:
            self._template = RequestTemplate(prompt, system=system, **fields)
        except ValidationError as error:
            raise CommandError(error.message, exit_code=WRONG_USAGE) from error
        self.model: str | None = fields.get("model")
        self.total = count_rows(path)

    def __iter__(self) -> Iterator[Row]:
        for number, values, error in read_rows(self._path, self._table):
            named = None if self._key is None else values.get(self._key)
            request: LLMRequest | LLMRingError
            try:
                request = error or self._request(values)
            except ValidationError as problem:
                request = ValidationError(f"row {number}: {problem.message}", field=problem.field)
            yield Row(request=request, key=str(number if named is None else named), data=values)

    def _request(self, values: Values) -> LLMRequest:
        if self._key is not None and self._key not in values:
            names = ", ".join(values)
            raise ValidationError(
                f"there is no column {self._key!r} for its key; there are {names}", field="key"
            )
        return self._template.request(values)


def outcome_values(outcome: Outcome, *, in_columns: bool) -> Values:
    """Return the row of an outcome: its key, the columns that it had, the answer, and what became of it.

    Args:
        outcome: of the job.
        in_columns: the fields of an answer that is an object become columns.
    """
    data = outcome.data if isinstance(outcome.data, dict) else {}
    values: Values = {"key": outcome.key, **data}
    response = outcome.response
    usage = (response.usage if response is not None else None) or {}
    answer: Values = {"answer": None if response is None else response.content}
    if in_columns and response is not None:
        parsed = parsed_values(response.parsed)
        answer = parsed if isinstance(parsed, dict) else {"answer": parsed}
    elif in_columns:
        answer = {}
    about = {
        "error": None if outcome.error is None else str(outcome.error),
        "model": None if response is None else response.model,
        "cost": outcome.cost if response is None or not usage else usage.get("cost"),
        "input_tokens": usage.get("prompt_tokens"),
        "output_tokens": usage.get("completion_tokens"),
    }
    for name, value in {**answer, **about}.items():
        values[name if name not in values else f"llmring_{name}"] = value
    return values


class ProgressReport:
    """Shows the progress of a job: a bar on a terminal, a line a minute elsewhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 - only on terminals
            from rich.progress import BarColumn, TextColumn  # noqa: PLC0415 - as above
            from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

            console = Console(stderr=True)
            self._bar = Bar(BarColumn(20), TextColumn("{task.description}"), console=console, transient=True)
            self._bar.add_task("", total=None)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Take a report."""
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(
                task, description=summary(progress), completed=progress.done, total=progress.total
            )
        if progress.is_over or (self._bar is None and self._clock() - self._last >= _LINE_S):
            self._last = self._clock()
            if self._bar is not None:
                self._bar.stop()
            report(summary(progress))


def summary(progress: Progress) -> str:
    """Return the state of a job in a line."""
    of = "" if progress.total is None else f" of {progress.total:,}"
    parts = [f"{progress.done:,}{of} rows", f"{progress.rows_per_second:,.1f}/s", dollars_text(progress.cost)]
    if progress.failed:
        parts.append(count_text(progress.failed, "error"))
    if progress.from_journal:
        parts.append(f"{progress.from_journal:,} from the journal")
    left = progress.seconds_left
    if left is not None and not progress.is_over:
        minutes, seconds = divmod(round(left), 60)
        parts.append(f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left")
    return ", ".join(parts)
