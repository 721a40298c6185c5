"""The rows under way: their source, their settings, and the outcomes that they become."""

from collections import deque
from collections.abc import AsyncIterable, Callable, Mapping
from typing import Any, Literal

import anyio
import msgspec
from llmring_providers import EncodedCall
from llmring_types import Attempt, LLMRequest, LLMResponse
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring._money.accounts import Account
from llmring._routing import Route
from llmring.bulk._outcomes import Outcome, Progress, Requests, Row, outcome_cost


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a job.

    Attributes:
        profile: the lockfile's profile.
        concurrency: calls at once.
        ordered: outcomes come in the order of the rows.
        account: what the calls of the job may cost; ``None`` has no limit.
        key_of: names the rows that have no key; ``None`` takes their position.
        via: ``live``, ``batch``, or ``auto`` for batches with a live tail.
        deadline_s: seconds that batches have.
        poll_s: the longest pause between two looks at a batch.
        on_progress: gets reports.
        total: rows in all, where that is known.
    """

    profile: str | None
    concurrency: int
    ordered: bool
    account: Account | None
    key_of: Callable[[LLMRequest], str] | None
    on_progress: Callable[[Progress], object] | None
    total: int | None
    via: Literal["live", "batch", "auto"] = "live"
    deadline_s: float | None = None
    poll_s: float = 60.0


class Task(msgspec.Struct, eq=False):
    """A row under way. ``followers`` asked for the same, and get the same."""

    index: int
    key: str
    request: LLMRequest | LLMRingError
    data: Any
    digest: bytes = b""
    outcome: Outcome | None = None
    followers: "list[Task] | None" = None
    encoded: EncodedCall | None = None
    route: Route | None = None
    asked_again: bool = False
    times_refused: int = 0
    refusals: tuple[Attempt, ...] = ()


def task_of(index: int, item: Any, key_of: Callable[[LLMRequest], str] | None) -> Task:
    """Return the task of what the requests have yielded."""
    row = item if isinstance(item, Row) else Row(request=item)
    request: Any = row.request
    key = row.key
    if isinstance(request, LLMRequest):
        if key is None and key_of is not None:
            key = key_of(request)
    elif not isinstance(request, LLMRingError):
        request = ValidationError(
            f"row {index} is no LLMRequest but a {type(request).__name__}", field="requests"
        )
    return Task(index, str(index if key is None else key), request, row.data)


def typed(error: LLMRingError | OSError) -> LLMRingError:
    """Return the error of a row as one of ours: a registered file that has gone raises an ``OSError``."""
    if isinstance(error, LLMRingError):
        return error
    found = ValidationError(f"a file of the request cannot be read: {error}", field="files")
    found.__cause__ = error
    return found


def outcome_of(task: Task, ended: LLMResponse | LLMRingError, *, from_journal: bool = False) -> Outcome:
    return Outcome(
        key=task.key,
        index=task.index,
        response=ended if isinstance(ended, LLMResponse) else None,
        error=ended if isinstance(ended, LLMRingError) else None,
        attempts=ended.attempts,
        cost=0.0 if from_journal else outcome_cost(ended),
        from_journal=from_journal,
        asked_again=task.asked_again,
        data=task.data,
    )


def check_rows(requests: object) -> None:
    """Refuse what has no rows.

    Raises:
        ValidationError: a single request, a text, or anything else that is no iterable of requests.
    """
    is_iterable = any(hasattr(requests, name) for name in ("__iter__", "__aiter__", "__getitem__"))
    if not is_iterable or isinstance(requests, (str, bytes, Mapping, LLMRequest)):
        raise ValidationError(
            f"a job takes an iterable or async iterable of LLMRequest or Row, such as a list; got {type(requests).__name__}",
            field="requests",
        )


END = object()


class Source:
    """The rows, from an iterable or an async one."""

    def __init__(self, requests: Requests) -> None:
        check_rows(requests)
        self._async = aiter(requests) if isinstance(requests, AsyncIterable) else None
        self._sync = iter(()) if isinstance(requests, AsyncIterable) else iter(requests)

    async def next(self) -> Any:
        """Return the next row, or ``END``."""
        return next(self._sync, END) if self._async is None else await anext(self._async, END)

    async def aclose(self) -> None:
        """Close generators: what they hold open is freed."""
        close = getattr(self._sync, "close", None)
        if close is not None:
            close()
        aclose = getattr(self._async, "aclose", None)
        if aclose is not None:
            with anyio.CancelScope(shield=True):
                await aclose()


class Outlet:
    """Outcomes on their way to whoever fetches them: as they come, or in the order of the rows.

    Attributes:
        taken: rows that were taken and whose outcome has not been fetched.
        is_over: nothing more will come.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.taken = 0
        self.is_over = False
        self._ready: deque[Outcome] = deque()
        self._early: dict[int, Outcome] | None = {} if ordered else None
        self._next_index = 0
        self._room: anyio.Event | None = None
        self._news = anyio.Event()

    def put(self, outcome: Outcome) -> None:
        if self._early is None:
            self._ready.append(outcome)
        else:
            self._early[outcome.index] = outcome
            while (following := self._early.pop(self._next_index, None)) is not None:
                self._ready.append(following)
                self._next_index += 1
        if self._ready and not self._news.is_set():
            self._news.set()

    def fetch(self) -> Outcome | None:
        """Return the next outcome, if one is there."""
        if not self._ready:
            return None
        self.taken -= 1
        self.make_room()
        return self._ready.popleft()

    async def wait(self) -> None:
        """Wait until there is an outcome, or nothing more will come."""
        if self._ready or self.is_over:
            return
        if self._news.is_set():
            self._news = anyio.Event()
        await self._news.wait()

    async def wait_for_room(self) -> None:
        """Wait until an outcome was fetched, or a row has ended."""
        self._room = anyio.Event()
        await self._room.wait()

    def make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.set()

    def discard(self) -> None:
        """Drop the outcomes that nobody has fetched."""
        self._ready.clear()

    def end(self) -> None:
        self.is_over = True
        self._news.set()
