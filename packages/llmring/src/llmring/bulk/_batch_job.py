"""Jobs that are submitted now and read later, perhaps by another process."""

import errno
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

import msgspec
from llmring_lockfile import write_atomically
from llmring_providers import WireRequest
from llmring_providers.batches import BatchStatus
from llmring_types import LLMRequest, LLMResponse, ModelRef
from llmring_types.exceptions import ConfigurationError, LLMRingError, ValidationError

from llmring._chat import Chat
from llmring.bulk._batch_answers import Answering, BatchAnswer
from llmring.bulk._batch_parts import BatchHandle, BatchPart, BatchProgress, MemoryStore
from llmring.bulk._batch_rows import Encoder, Pending, Shape
from llmring.bulk._batch_submission import PART_BYTES, Submission
from llmring.bulk._batches import FIRST_LOOK_S, LOOKS_FACTOR
from llmring.bulk._outcomes import Outcome, Requests, Row, keep, outcome_cost, restore
from llmring.bulk._tasks import END, Source

_LONGEST_PAUSE_S = 60.0
"""Between two looks at a batch."""


class HandleFile(MemoryStore):
    """Keeps the parts of a job in a file with its handle.

    Args:
        path: of the file; made if it is not there.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        super().__init__()

    async def open(self) -> None:
        """Read the file, if it is there.

        Raises:
            ConfigurationError: it cannot be read, or is no handle.
        """
        from anyio import to_thread  # noqa: PLC0415 - only for jobs with a file

        try:
            document = await to_thread.run_sync(self._content)
            handle = BatchHandle.from_json(document)
        except FileNotFoundError:
            return
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"the handle of the batch job, {self._path}, cannot be read: {error}", original=error
            ) from error
        self._parts = {part.label: part for part in handle.parts}
        self.refused = dict(handle.refused)

    def _content(self) -> bytes:
        if self._path.exists() and not self._path.is_file():  # a pipe would be waited for
            raise OSError(errno.EINVAL, "it is no regular file")
        return self._path.read_bytes()

    async def save(self, part: BatchPart) -> None:
        await super().save(part)
        await self.write()

    async def write(self) -> None:
        """Write the handle, so that it is there whole whatever happens.

        Raises:
            ConfigurationError: it cannot be written.
        """
        from anyio import to_thread  # noqa: PLC0415 - only for jobs with a file

        document = self.handle.to_json()
        try:
            await to_thread.run_sync(lambda: write_atomically(self._path, document, private=True))
        except OSError as error:
            raise ConfigurationError(
                f"the handle of the batch job cannot be written to {self._path}: {error.strerror}",
                original=error,
            ) from error


async def submit(chat: Chat, requests: Requests, path: str | Path | None, profile: str | None) -> BatchHandle:
    """Submit all rows; see :meth:`LLMRing.submit_batch`."""
    store = MemoryStore() if path is None else HandleFile(path)
    if isinstance(store, HandleFile):
        await store.open()
    encoder = Encoder(chat, profile)
    answering = Answering(chat)
    failures: list[LLMRingError] = []

    def fail(part: BatchPart, row: Pending, error: LLMRingError) -> None:
        answering.failed(part, row, error)
        failures.append(error)
        store.refused[row.key] = keep(error)

    submission = Submission(encoder, store, chat.failover.clock, part_bytes=PART_BYTES, fail=fail)
    await submission.resume()
    known = {digest for part in store.handle.parts for digest in part.rows}
    async with aclosing(_rows(requests)) as rows:
        async for key, request in rows:
            try:
                if isinstance(request, LLMRingError):
                    raise request
                encoded = await encoder.encode(key, request)
                if encoded.row.digest not in known:
                    store.refused.pop(key, None)
                    await submission.put(encoded.row, encoded.body)
            except LLMRingError as error:
                failures.append(error)
                store.refused[key] = keep(error)
    await submission.flush()
    if not store.handle.parts and failures:
        raise failures[0]
    if isinstance(store, HandleFile):
        await store.write()
    return store.handle


async def _rows(requests: Requests) -> AsyncGenerator[tuple[str, LLMRequest | LLMRingError]]:
    """Yield the rows by the keys that name them in a handle: to one that was there before, the row's place is added."""
    source, index, taken = Source(requests), 0, set[str]()
    try:
        while (item := await source.next()) is not END:
            row = item if isinstance(item, Row) else Row(request=item)
            key = str(index if row.key is None else row.key)
            if key in taken:
                key = f"{key} (row {index})"
            taken.add(key)
            yield key, row.request
            index += 1
    finally:
        await source.aclose()


async def progress(chat: Chat, handle: BatchHandle) -> BatchProgress:
    """Ask the providers about every part; see :meth:`LLMRing.batch_status`."""
    encoder = Encoder(chat, None)
    statuses: list[BatchStatus | None] = []
    for part in handle.parts:
        api = encoder.api(part.provider)
        statuses.append(None if api is None or part.batch_id is None else await api.get(part.batch_id))
    known = [status for status in statuses if status is not None]
    return BatchProgress(
        rows=handle.rows,
        succeeded=sum(status.succeeded or 0 for status in known),
        failed=sum(status.failed or 0 for status in known) + len(handle.refused),
        parts=statuses,
        has_ended=all(status.has_ended for status in known),
    )


async def cancel(chat: Chat, handle: BatchHandle) -> BatchProgress:
    """Ask for the end of every part; see :meth:`LLMRing.cancel_batch`."""
    encoder = Encoder(chat, None)
    for part in handle.parts:
        api = encoder.api(part.provider)
        if api is not None and part.batch_id is not None:
            await api.cancel(part.batch_id)
    return await progress(chat, handle)


async def results(
    chat: Chat, handle: BatchHandle, requests: "Requests | None", profile: str | None
) -> AsyncGenerator[Outcome]:
    """Yield an outcome for each row; see :meth:`LLMRing.batch_results`."""
    parts = [msgspec.structs.replace(part, state="open") for part in handle.parts]
    places = {digest: place for place, digest in enumerate(digest for part in parts for digest in part.rows)}
    encoder, answering, clock = Encoder(chat, profile), Answering(chat), chat.failover.clock
    submission = Submission(encoder, MemoryStore(parts), clock, part_bytes=PART_BYTES, fail=lambda *_: None)
    await submission.resume()
    given = {} if requests is None else await _given(encoder, requests, places)
    for running in submission.open.values():
        shape = None
        for digest, key in running.part.rows.items():
            row = given.pop(digest, None)
            if row is None:
                shape = shape or _plain_shape(chat, running.part, profile)
                row = Pending(key=key, digest=digest, shape=shape)
            running.rows[digest] = row
    for number, (key, kept) in enumerate(handle.refused.items(), len(places)):
        yield _outcome(BatchAnswer(key=key, error=restore(kept)), number)
    pause = FIRST_LOOK_S
    while submission.open:
        for running in list(submission.open.values()):
            status = await submission.look(running)
            if status == "lost" or (status is not None and not status.has_ended):
                continue
            api = submission.api(running.part)
            async with aclosing(answering.answers(api, running.part, status, running.rows)) as answers:
                async for row, answer in answers:
                    yield _outcome(answering.ended(row, answer, live=False), places[row.digest])
            await submission.close(running)
        if submission.open:
            await clock.sleep(pause)
            pause = min(_LONGEST_PAUSE_S, pause * LOOKS_FACTOR)


async def _given(encoder: Encoder, requests: Requests, places: dict[str, int]) -> dict[str, Pending]:
    """Return the rows that were given again, by digest; one that is not as it was submitted is left out."""
    found = dict[str, Pending]()
    async with aclosing(_rows(requests)) as rows:
        async for key, request in rows:
            if not isinstance(request, LLMRequest):
                continue
            with suppress(
                LLMRingError
            ):  # it could not be submitted either, and is among those that were refused
                row = (await encoder.encode(key, request)).row
                if row.digest in places:
                    found[row.digest] = row
    return found


def _plain_shape(chat: Chat, part: BatchPart, profile: str | None) -> Shape:
    """Return what is known of the requests of a part that were not given again."""
    ref = ModelRef(part.provider, part.model)
    asked = LLMRequest([], model=str(ref))
    route = chat.router.route(str(ref), profile)
    return Shape(
        asked=asked,
        prepared=asked,
        candidate=route.candidates[0],
        route=route,
        expectation=None,
        wire=WireRequest(path=part.path, body=b""),
    )


def _outcome(answer: BatchAnswer, index: int) -> Outcome:
    ended: LLMResponse | LLMRingError | None = answer.response or answer.error
    return Outcome(
        key=answer.key,
        index=index,
        response=answer.response,
        error=answer.error,
        attempts=() if ended is None else ended.attempts,
        cost=0.0 if ended is None else outcome_cost(ended),
    )
