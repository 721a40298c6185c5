"""The rows of a bulk job, their outcomes, and its progress."""

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias

import msgspec
from llmring_types import Attempt, LLMRequest, LLMResponse, Parsed
from llmring_types import exceptions as errors
from llmring_types.exceptions import LLMRingError

from llmring._runtime import Clock


class Row(msgspec.Struct, Generic[Parsed], kw_only=True):
    """A row of a job that has more than its request.

    Attributes:
        request: what to ask; or the error of a row that could not be read, which becomes its outcome.
        key: names the row in outcomes and in the journal; without it the function ``key`` of the job does, then its
            position.
        data: the application's own, handed back on the outcome. JSON objects of it are kept in the journal as well.
    """

    request: LLMRequest[Parsed] | LLMRingError
    key: str | None = None
    data: Any = None


class Outcome(msgspec.Struct, Generic[Parsed], kw_only=True):
    """The outcome of one row: a response or an error, never both.

    Attributes:
        key: of the row.
        index: its position among the requests, from 0.
        response: the answer.
        error: why there is none.
        attempts: every pool member tried or skipped for it, in order.
        cost: US dollars that this run spent on it, 0 for what came from the journal; ``None`` where that is not known.
        from_journal: it was answered before, by an earlier run or for an identical request.
        asked_again: an earlier run ended while it may have been under way; that call may have been billed too.
        data: of the :class:`Row`.
    """

    key: str
    index: int
    response: LLMResponse[Parsed] | None = None
    error: LLMRingError | None = None
    attempts: Sequence[Attempt] = ()
    cost: float | None = None
    from_journal: bool = False
    asked_again: bool = False
    data: Any = None

    @property
    def is_answered(self) -> bool:
        """``True`` for a response, ``False`` for an error."""
        return self.error is None

    def unwrap(self) -> LLMResponse[Parsed]:
        """Return the response.

        Raises:
            LLMRingError: the error of the row.
        """
        if self.response is None:
            raise self.error or LLMRingError(f"row {self.key!r} has no answer")
        return self.response


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a job that runs.

    Attributes:
        done: outcomes so far.
        answered: those with a response.
        failed: those with an error.
        from_journal: those that were answered before.
        in_flight: calls under way.
        cost: US dollars that this run has spent, as far as they are known.
        tokens: input and output of the answers of this run.
        seconds: since the job began.
        total: rows in all, where the requests have a length.
        is_over: this is the last report.
        recent_rate: outcomes in each second since the report 300 reports ago; ``None`` at first.
    """

    done: int
    answered: int
    failed: int
    from_journal: int
    in_flight: int
    cost: float
    tokens: int
    seconds: float
    total: int | None = None
    is_over: bool = False
    recent_rate: float | None = None

    @property
    def rows_per_second(self) -> float:
        """Rows that this run has asked for, in each second."""
        return (self.done - self.from_journal) / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """The estimate for the rest, by the recent rate: what a journal holds comes a thousand times as fast.

        ``None`` where the number of rows is not known, or none is done.
        """
        if self.total is None or not self.done or not self.seconds:
            return None
        rate = self.recent_rate or self.done / self.seconds
        return max(self.total - self.done, 0) / rate


_PROGRESS_S = 0.1
"""Seconds between two reports of progress."""
_RECENT = 300
"""Reports of which the first and the last give the recent rate: half a minute or more."""


class Tally:
    """Counts of a job, for reports of its progress."""

    def __init__(
        self, report_to: Callable[[Progress], object] | None, total: int | None, clock: Clock
    ) -> None:
        self._report_to = report_to
        self._total = total
        self._clock = clock
        self._began = self._reported = clock.now()
        self._answered = self._failed = self._from_journal = self._tokens = 0
        self._cost = 0.0
        self._recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)

    def add(self, outcome: Outcome, in_flight: int) -> None:
        """Count an outcome, and report where the last report is a while ago."""
        if self._report_to is None:
            return
        if outcome.error is None:
            self._answered += 1
        else:
            self._failed += 1
        self._cost += outcome.cost or 0.0
        if outcome.from_journal:
            self._from_journal += 1
        elif outcome.response is not None:
            self._tokens += outcome.response.total_tokens or 0
        if self._clock.now() - self._reported >= _PROGRESS_S:
            self.report(in_flight)

    def report(self, in_flight: int, *, is_over: bool = False) -> None:
        """Report where the job stands, if somebody wants to know."""
        if self._report_to is None:
            return
        self._reported = now = self._clock.now()
        done = self._answered + self._failed
        since, done_by_then = self._recent[0] if self._recent else (now, done)
        self._recent.append((now, done))
        self._report_to(
            Progress(
                done=done,
                answered=self._answered,
                failed=self._failed,
                from_journal=self._from_journal,
                in_flight=in_flight,
                cost=self._cost,
                tokens=self._tokens,
                seconds=now - self._began,
                total=self._total,
                is_over=is_over,
                recent_rate=(done - done_by_then) / (now - since) if now > since else None,
            )
        )


AnyRow: TypeAlias = "LLMRequest[Parsed] | Row[Parsed]"
Requests: TypeAlias = "Iterable[AnyRow[Parsed]] | AsyncIterable[AnyRow[Parsed]]"


def outcome_cost(ended: LLMResponse | LLMRingError) -> float | None:
    """Return the dollars that a row cost: those of its answer, or of one that was not as asked.

    An error costs nothing, unless a call that was sent may have been billed: then that is not known.
    """
    response = ended if isinstance(ended, LLMResponse) else getattr(ended, "response", None)
    if not isinstance(response, LLMResponse):
        may_be_billed = any(each.outcome == "error" and each.billed is None for each in ended.attempts)
        return None if may_be_billed else 0.0
    return response.usage.get("cost") if response.usage is not None else None


_KINDS: Mapping[str, type[LLMRingError]] = {
    name: kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, LLMRingError)
}
_SETTLED = (
    errors.ProviderBadRequestError,
    errors.ProviderResponseTooLargeError,
    errors.StructuredOutputError,
    errors.ValidationError,
)


def is_settled(error: LLMRingError) -> bool:
    """Return whether the same request would meet the same error: it is then kept, and not asked again on resuming."""
    return isinstance(error, _SETTLED) and not isinstance(error, errors.AliasNotFoundError)


_OF_EVERY_ERROR = frozenset(vars(LLMRingError("")))


class KeptError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as a journal keeps it.

    Attributes:
        kind: the name of its class.
        message: its text.
        fields: its further attributes; ``None`` for those that are no plain values.
        attempts: what was tried.
    """

    kind: str
    message: str
    fields: dict[str, str | int | float | bool | None] = {}
    attempts: tuple[Attempt, ...] = ()


def keep(error: LLMRingError) -> KeptError:
    """Return the form of an error that can be stored."""
    fields = {
        name: value if isinstance(value, (str, int, float, bool)) else None
        for name, value in vars(error).items()
        if name not in _OF_EVERY_ERROR
    }
    kind = next(each.__name__ for each in type(error).__mro__ if each.__name__ in _KINDS)
    return KeptError(kind=kind, message=error.message, fields=fields, attempts=tuple(error.attempts))


def restore(kept: KeptError) -> LLMRingError:
    """Return the error; one of a class that this version does not have is an :class:`LLMRingError`."""
    kind = _KINDS.get(kept.kind, LLMRingError)
    error = kind.__new__(kind, kept.message)
    LLMRingError.__init__(error, kept.message)
    vars(error).update(kept.fields)
    error.attempts = kept.attempts
    return error
