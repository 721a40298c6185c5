"""The lane of a job that goes through batch APIs: rows in, answers out, a live tail beside it."""

from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio
import msgspec
from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import LLMRingError

from llmring._chat import Chat
from llmring.bulk._batch_parts import BatchStore
from llmring.bulk._batches import BatchRun
from llmring.bulk._tasks import Settings, Task

End = Callable[[Task, LLMResponse | LLMRingError], object]


class _Row(msgspec.Struct, frozen=True):
    """A row as a batch takes it."""

    key: str
    request: LLMRequest


class BatchLane:
    """Hands rows to batches, and their answers back.

    Rows under way are kept until their batch has ended, without their requests where no live tail may need them.

    Args:
        chat: what the calls of the ring share.
        settings: of the job.
        store: keeps the batches; ``None`` for the life of the process.
    """

    def __init__(self, chat: Chat, settings: Settings, store: BatchStore | None) -> None:
        self._keeps = settings.via == "auto"
        self._batches = BatchRun(
            chat,
            profile=settings.profile,
            store=store,
            account=settings.account,
            tail="live" if self._keeps else "batch",
            deadline_s=settings.deadline_s,
            poll_s=settings.poll_s,
        )
        self._expected = 0
        self._is_complete = False
        self._arrived: deque[Task] = deque()
        self._under_way: dict[str, Task] = {}
        self._news = anyio.Event()

    def expect(self) -> None:
        """Announce a row that :meth:`add` will bring."""
        self._expected += 1

    def add(self, task: Task) -> None:
        """Take a row."""
        self._expected -= 1
        self._arrived.append(task)
        self._news.set()

    def complete(self) -> None:
        """Record that no further row is announced."""
        self._is_complete = True
        self._news.set()

    async def run(self, end: End, ask_live: Callable[[Task], object]) -> None:
        """Work until every row has ended, or is to be asked live."""
        async with aclosing(self._batches.answers(self._rows())) as answers:
            async for answer in answers:
                task = self._under_way.pop(answer.key)
                if answer.live and self._keeps:
                    ask_live(task)
                elif answer.response is not None:
                    end(task, answer.response)
                elif answer.error is not None:
                    end(task, answer.error)

    async def _rows(self) -> AsyncGenerator[_Row]:
        while True:
            while not self._arrived:
                if self._is_complete and not self._expected:
                    return
                self._news = anyio.Event()
                await self._news.wait()
            task = self._arrived.popleft()
            request = task.request
            if not isinstance(request, LLMRequest):
                raise TypeError(request)
            key = task.digest.hex() or str(task.index)  # the same in each run of a journal
            self._under_way[key] = task
            if not self._keeps:
                task.request = _SENT
            yield _Row(key, request)


_SENT = LLMRingError("the request is in a batch")
