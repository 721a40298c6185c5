"""The rows under way: their source, their settings, and the outcomes that they become."""

from collections.abc import AsyncIterable, Callable
from typing import Any

import anyio
import msgspec
from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring._money.accounts import Account
from llmring.bulk._outcomes import Outcome, Progress, Requests, outcome_cost


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a job.

    Attributes:
        profile: the lockfile's profile.
        concurrency: calls at once.
        ordered: outcomes come in the order of the rows.
        account: what the calls of the job may cost; ``None`` has no limit.
        key_of: names the rows that have no key; ``None`` takes their position.
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


class Task(msgspec.Struct, eq=False):
    """A row under way. ``followers`` asked for the same, and get the same."""

    index: int
    key: str
    request: LLMRequest | LLMRingError
    data: Any
    digest: bytes = b""
    outcome: Outcome | None = None
    followers: "list[Task] | None" = None
    asked_again: bool = False


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


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that ended the job: the others followed from it."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found


END = object()


class Source:
    """The rows, from an iterable or an async one."""

    def __init__(self, requests: Requests) -> None:
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
