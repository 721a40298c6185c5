"""The part of both rings for bulk jobs."""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence, Sized
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

from llmring_types import LLMRequest, Parsed
from llmring_types.exceptions import ValidationError

from llmring._aliases import Aliases
from llmring._chat import Chat
from llmring._money.accounts import Account

if TYPE_CHECKING:
    from llmring._ring import LLMRing
    from llmring._sync import _Loop
    from llmring.bulk import BatchHandle, BatchProgress, Outcome, Outcomes, Plan, Progress, SyncOutcomes
    from llmring.bulk._outcomes import Requests

CONCURRENCY = 64


class MapOptions(TypedDict, total=False):
    """The options of :meth:`LLMRing.map`."""

    journal: str | Path | None
    concurrency: int
    budget_usd: Decimal | float | None
    ordered: bool
    on_progress: "Callable[[Progress], object] | None"
    key: Callable[[LLMRequest], str] | None
    profile: str | None
    via: Literal["live", "batch", "auto"]
    deadline_s: float | None
    poll_s: float
    total: int | None


class MapsRequests:
    """Answers any number of requests."""

    _aliases: Aliases
    _chat: Chat

    def map(self, requests: "Requests[Parsed]", **options: Unpack[MapOptions]) -> "Outcomes[Parsed]":
        """Answer any number of requests: ``async for outcome in ring.map(requests, journal="job.db")``.

        Each row becomes one :class:`llmring.bulk.Outcome`, with a response or with the error that :meth:`chat` raises.
        Rows are taken as outcomes are fetched, never all at once. An error that is not llmring's, of ``requests`` or
        of a function given, ends the job.

        Args:
            requests: an iterable or async iterable of :class:`LLMRequest`, or of :class:`llmring.bulk.Row` for rows
                with a key or data of their own. A row that could not be read is a ``Row`` with an error.
            options: ``journal``: an SQLite file with every outcome, readable by its owner alone. A job that is run
                again with it, after its end or a ``kill -9``, asks only what has no answer there: requests are the
                same where their bytes on the wire, their pool and its locked snapshots are. Identical requests are
                asked once. Without a journal, each row is asked.
                ``concurrency``: calls at once (64).
                ``budget_usd``: the most that the job may cost, earlier runs of its journal included; rows that might
                pass it become :class:`BudgetExceededError`.
                ``ordered``: hand the outcomes out in the order of the rows instead of as they come.
                ``on_progress``: called with a :class:`llmring.bulk.Progress`, ten times a second at most, and at
                the end.
                ``key``: a function that names a request; without it the row's position is its key.
                ``total``: rows in all, for its estimate of the rest, where ``requests`` have no length.
                ``profile``: the lockfile's profile.
                ``via``: ``"batch"`` sends the rows through the providers' batch APIs, for half the price and within a
                day; ``"auto"`` does, and asks live what no batch takes or has answered after ``deadline_s`` seconds.
                ``deadline_s``: seconds that batches have; refused with ``via="live"``, which has none.
                ``poll_s``: the longest pause between two looks at a batch (60). Batches of a job with a journal
                survive the process: the next run takes them up.

        Raises:
            ValidationError: an option is not of its kind, has no effect or does not exist; ``requests`` are no iterable
                (also a ``ValueError``).
            ConfigurationError: while iterating: the journal cannot be opened or written, or is not this user's.
        """
        from llmring.bulk._digest import Digests  # noqa: PLC0415 - only for bulk jobs
        from llmring.bulk._engine import Engine  # noqa: PLC0415 - as above
        from llmring.bulk._stream import Outcomes  # noqa: PLC0415 - as above
        from llmring.bulk._tasks import Settings, check_rows  # noqa: PLC0415 - as above

        check_options(options)
        check_rows(requests)
        profile, path = options.get("profile"), options.get("journal")
        engine = Engine(
            self._chat,
            requests,
            Settings(
                profile=profile,
                concurrency=options.get("concurrency", CONCURRENCY),
                ordered=options.get("ordered", False),
                account=_account(options.get("budget_usd")),
                key_of=options.get("key"),
                on_progress=options.get("on_progress"),
                total=len(requests) if isinstance(requests, Sized) else options.get("total"),
                via=options.get("via", "live"),
                deadline_s=options.get("deadline_s"),
                poll_s=options.get("poll_s", 60.0),
            ),
            Digests(self._chat, self._aliases.lockfile.locked, profile),
        )
        if path is not None:
            from llmring._database import require_sqlite  # noqa: PLC0415 - only for jobs with one

            require_sqlite()
            from llmring.bulk._journal import Journal  # noqa: PLC0415 - as above

            engine.journal = Journal(path, engine.on_commit, engine.fail)
        return Outcomes(engine)

    async def plan(
        self, requests: "Requests", *, output_tokens: int | None = None, profile: str | None = None
    ) -> "Plan":
        """Return what a job would come to: rows, tokens, and dollars live and by batch. Nothing is sent.

        Args:
            requests: as for :meth:`map`; they are all taken.
            output_tokens: those expected of an answer; without it, the most that the request and the model allow.
            profile: the lockfile's profile.

        Raises:
            ValidationError: ``requests`` are no iterable, or ``output_tokens`` is no number of tokens.
        """
        from llmring.bulk._plan import Planner  # noqa: PLC0415 - only for plans

        locked = self._aliases.lockfile.locked
        return await Planner(self._chat, locked, profile, output_tokens).plan(requests)

    async def submit_batch(
        self, requests: "Requests", *, path: str | Path | None = None, profile: str | None = None
    ) -> "BatchHandle":
        """Submit requests to the batch APIs of OpenAI, Anthropic and Gemini, for half the price and within a day.

        Each request goes to the first model of its pool that has a batch API, as the bytes that it would be alone.
        They are submitted in parts within each vendor's limits, at most 32 MiB; files of requests are sent inline.
        :meth:`map` with ``via="batch"`` does all of it: it also submits again what expired, and keeps a journal.

        Args:
            requests: as for :meth:`map`.
            path: a file that keeps the handle. With it, a job that is run again after an error or a ``kill -9`` submits
                what is not submitted yet, and nothing twice.
            profile: the lockfile's profile.

        Returns:
            The handle, for the other methods, in this process or another. Rows that could not be submitted are in it.

        Raises:
            ConfigurationError: the file cannot be read or written.
            LLMRingError: no row could be submitted; the error is that of the first.
        """
        from llmring.bulk import _batch_job  # noqa: PLC0415 - only for batches

        return await _batch_job.submit(self._chat, requests, path, profile)

    async def batch_status(self, handle: "BatchHandle") -> "BatchProgress":
        """Return how far a batch job has come.

        Raises:
            ProviderError: a provider refused, or cannot be reached.
        """
        from llmring.bulk import _batch_job  # noqa: PLC0415 - only for batches

        return await _batch_job.progress(self._chat, handle)

    def batch_results(
        self, handle: "BatchHandle", requests: "Requests[Parsed] | None" = None, *, profile: str | None = None
    ) -> "AsyncGenerator[Outcome[Parsed]]":
        """Wait for the batches of a job, and yield an outcome for each row, those of the first that ends first.

        Results are matched by their keys, which carry a digest of the request: those of nobody, and the second of a
        row, are dropped. Nothing is submitted again.

        Args:
            handle: of the job.
            requests: the same as were submitted, with the same keys, where answers are to be read into the types that
                ``response_format`` asks for. Without them ``parsed`` stays empty.
            profile: the lockfile's profile.

        Raises:
            ProviderError: a provider refused, or cannot be reached for long.
        """
        from llmring.bulk import _batch_job  # noqa: PLC0415 - only for batches

        return _batch_job.results(self._chat, handle, requests, profile)

    async def cancel_batch(self, handle: "BatchHandle") -> "BatchProgress":
        """Ask for the end of every batch of a job. What was processed by then is among the results, and billed.

        Raises:
            ProviderError: a provider refused, or cannot be reached.
        """
        from llmring.bulk import _batch_job  # noqa: PLC0415 - only for batches

        return await _batch_job.cancel(self._chat, handle)


class MapsRequestsSync:
    """Answers any number of requests, without ``await``."""

    _ring: "LLMRing"
    _loop: "_Loop"

    def map(self, requests: "Requests[Parsed]", **options: Unpack[MapOptions]) -> "SyncOutcomes[Parsed]":
        """As :meth:`LLMRing.map`: ``for outcome in ring.map(requests)``; iterables are read in the ring's thread."""
        from llmring.bulk import SyncOutcomes  # noqa: PLC0415 - only for bulk jobs

        return SyncOutcomes(self._ring.map(requests, **options), self._loop)

    def plan(
        self, requests: "Requests", *, output_tokens: int | None = None, profile: str | None = None
    ) -> "Plan":
        """As :meth:`LLMRing.plan`."""
        return self._loop.run(lambda: self._ring.plan(requests, output_tokens=output_tokens, profile=profile))

    def submit_batch(
        self, requests: "Requests", *, path: str | Path | None = None, profile: str | None = None
    ) -> "BatchHandle":
        """As :meth:`LLMRing.submit_batch`."""
        return self._loop.run(lambda: self._ring.submit_batch(requests, path=path, profile=profile))

    def batch_status(self, handle: "BatchHandle") -> "BatchProgress":
        """As :meth:`LLMRing.batch_status`."""
        return self._loop.run(lambda: self._ring.batch_status(handle))

    def batch_results(
        self, handle: "BatchHandle", requests: "Requests[Parsed] | None" = None, *, profile: str | None = None
    ) -> "Iterator[Outcome[Parsed]]":
        """As :meth:`LLMRing.batch_results`."""
        results = self._ring.batch_results(handle, requests, profile=profile)
        try:
            while (outcome := self._loop.run(lambda: anext(results, None))) is not None:
                yield outcome
        finally:
            self._loop.run(results.aclose)

    def cancel_batch(self, handle: "BatchHandle") -> "BatchProgress":
        """As :meth:`LLMRing.cancel_batch`."""
        return self._loop.run(lambda: self._ring.cancel_batch(handle))


def check_options(options: MapOptions) -> None:
    """Refuse options that no job has.

    Raises:
        ValidationError: unknown, or not of their kind.
    """
    unknown = options.keys() - MapOptions.__annotations__.keys()
    if unknown:
        raise ValidationError(
            f"map has no option {', '.join(sorted(unknown))}; it has {', '.join(MapOptions.__annotations__)}",
            field=min(unknown),
        )
    concurrency: object = options.get("concurrency", CONCURRENCY)
    if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
        raise ValidationError(
            f"concurrency must be an integer, 1 or more; got {concurrency!r}", field="concurrency"
        )
    via: object = options.get("via", "live")
    if via not in ("live", "batch", "auto"):
        raise ValidationError(f"via must be live, batch or auto; got {via!r}", field="via")
    for name, is_right, kind in _KINDS:
        value: object = options.get(name)
        if value is not None and not is_right(value):
            raise ValidationError(f"{name} must be {kind}; got {value!r}", field=name)
    if via == "live" and options.get("deadline_s") is not None:
        raise ValidationError(
            "deadline_s is the time that batches have, and via='live' sends none: set via='auto' or 'batch', or the "
            "deadline_s of Policy for each call",
            field="deadline_s",
        )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


_KINDS: Sequence[tuple[str, Callable[[object], bool], str]] = (
    ("journal", lambda value: isinstance(value, Path) or (isinstance(value, str) and value != ""), "a path"),
    ("ordered", lambda value: isinstance(value, bool), "True or False"),
    ("on_progress", callable, "a function"),
    ("key", callable, "a function"),
    ("profile", lambda value: isinstance(value, str), "the name of a profile"),
    ("deadline_s", _is_number, "seconds, 0 or more"),
    ("poll_s", _is_number, "seconds, 0 or more"),
    ("total", lambda value: _is_number(value) and isinstance(value, int), "a number of rows"),
)


def _account(limit: object) -> Account | None:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, (int, float, Decimal)) or not limit > 0:
        raise ValidationError(f"budget_usd must be a number above 0; got {limit!r}", field="budget_usd")
    return Account(Decimal(str(limit)), scope="job")
