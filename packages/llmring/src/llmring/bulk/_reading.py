"""Journals beside a job or after it: their state, their outcomes, and errors that are to be asked again."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec
from llmring_types import LLMRequest, LLMResponse, Parsed
from llmring_types.exceptions import ConfigurationError, StructuredOutputError

from llmring.bulk._database import opened
from llmring.bulk._outcomes import KeptError, Outcome, restore
from llmring.structured import Expectation, finish, prepare

_LATEST = "FROM row AS r {join} WHERE r.run = (SELECT MAX(run) FROM row WHERE key = r.key)"
"""The rows as the last run that had their key knows them: a changed request takes the place of the one before it."""
_COUNTS = f"""SELECT COALESCE(o.state, 'begun'), json_extract(o.error, '$.kind'), COUNT(*)
{_LATEST.format(join="LEFT JOIN outcome AS o USING (digest)")} GROUP BY 1, 2"""
_SUMS = "SELECT COALESCE(SUM(cost), 0), COALESCE(SUM(input_tokens), 0), COALESCE(SUM(output_tokens), 0) FROM outcome"
_RUNS = "SELECT COUNT(*), MIN(started_at), MAX(ended_at), SUM(ended_at IS NULL) FROM run"
_ROWS = f"""SELECT r.key, r.position, r.data, o.rowid
{_LATEST.format(join="JOIN outcome AS o USING (digest)")} ORDER BY r.position"""
"""Sorted without the answers, which may be large."""
_OUTCOME = "SELECT state, response, error, cost FROM outcome WHERE rowid = ?"
_RETRY = "UPDATE outcome SET state = 'retry' WHERE state = 'failed'"


class JournalState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a job, as its journal has it.

    Attributes:
        rows: those that were taken so far.
        answered: with a response.
        failed: with an error, those that the next run asks again included.
        begun: without an outcome: under way, or when their run was killed.
        errors: failed rows by the name of their error.
        cost: US dollars of all answers, of requests since changed too.
        input_tokens: of the same.
        output_tokens: of the same.
        runs: how often the job was run.
        open_runs: those without an end: the present one, and those that were killed.
        open_batches: batches at providers that have not been collected.
        started_at: the start of the first run, in UTC.
        ended_at: the last end of a run; ``None`` if there was none.
    """

    rows: int
    answered: int
    failed: int
    begun: int
    errors: dict[str, int]
    cost: float
    input_tokens: int
    output_tokens: int
    runs: int
    open_runs: int
    open_batches: int
    started_at: str | None
    ended_at: str | None


def journal_state(path: str | Path) -> JournalState:
    """Return the state of a job; it may be running.

    Raises:
        ConfigurationError: there is no such journal, or it is not this user's.
    """
    with opened(path) as database:
        counts = database.execute(_COUNTS).fetchall()
        cost, input_tokens, output_tokens = database.execute(_SUMS).fetchone()
        runs, started_at, ended_at, open_runs = database.execute(_RUNS).fetchone()
        (batches,) = database.execute("SELECT COUNT(*) FROM batch_part WHERE state != 'done'").fetchone()
    errors = {str(kind): count for state, kind, count in counts if state in {"failed", "retry"}}
    return JournalState(
        rows=sum(count for _, _, count in counts),
        answered=sum(count for state, _, count in counts if state == "answered"),
        failed=sum(errors.values()),
        begun=sum(count for state, _, count in counts if state == "begun"),
        errors=errors,
        cost=cost,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        runs=runs,
        open_runs=open_runs or 0,
        open_batches=batches,
        started_at=started_at,
        ended_at=ended_at,
    )


def retry_failed(path: str | Path, kinds: Sequence[str] = ()) -> int:
    """Have the next run ask failed rows again, which else keep errors that the same request would meet.

    Args:
        path: of the journal.
        kinds: names of errors; without them all are.

    Returns:
        How many requests that are.

    Raises:
        ConfigurationError: there is no such journal, or it is not this user's.
    """
    marks = ", ".join("?" * len(kinds))
    only = f" AND json_extract(error, '$.kind') IN ({marks})" if kinds else ""
    with opened(path, read_only=False) as database:
        return database.execute(_RETRY + only, tuple(kinds)).rowcount


def journal_outcomes(
    path: str | Path, response_format: type[Parsed] | UnionType | dict[str, Any] | None = None
) -> Iterator[Outcome[Parsed]]:
    """Yield the outcomes of a journal, in the order of the rows; ``data`` is what the rows had, as far as it is JSON.

    Args:
        path: of the journal.
        response_format: a type or a dict, as :class:`LLMRequest` has it, that the answers are read into as ``parsed``.
            One that breaks it becomes a :class:`StructuredOutputError`, as it does in a run. Without it ``parsed``
            stays empty.

    Raises:
        ValidationError: ``response_format`` is no form of answer.
        ConfigurationError: there is no such journal, or it is not this user's, or holds something else.
    """
    _, expectation = prepare(LLMRequest([], response_format=response_format))
    with opened(path) as database:
        database.execute("BEGIN")  # a job that runs may replace an outcome
        for key, position, data, number in database.execute(_ROWS):
            state, response, error, cost = database.execute(_OUTCOME, (number,)).fetchone()
            try:
                is_answered = state == "answered"
                ended = _read(response, expectation) if is_answered else restore(_error_of(error))
                values = None if data is None else msgspec.json.decode(data)
            except (msgspec.MsgspecError, TypeError) as problem:
                raise ConfigurationError(f"the journal {path} cannot be read: {problem}") from problem
            yield Outcome(
                key=key,
                index=position,
                response=ended if isinstance(ended, LLMResponse) else None,
                error=None if isinstance(ended, LLMResponse) else ended,
                attempts=ended.attempts,
                cost=cost,
                from_journal=True,
                data=values,
            )


def _read(document: str, expectation: Expectation | None) -> LLMResponse | StructuredOutputError:
    response = _response_of(document)
    try:
        finish(response, expectation)
    except StructuredOutputError as error:
        return error
    return response


_response_of = msgspec.json.Decoder(LLMResponse).decode
_error_of = msgspec.json.Decoder(KeptError).decode
