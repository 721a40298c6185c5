"""Rows are gathered into parts, and parts are submitted: each once, also where the provider's answer is lost."""

import time
from collections.abc import Callable
from contextlib import aclosing
from secrets import token_hex
from typing import Literal

import msgspec
from llmring_providers.batches import BatchApi, BatchGroup, BatchStatus
from llmring_types import ModelRef
from llmring_types.exceptions import (
    BatchError,
    LLMRingError,
    ProviderConnectionError,
    ProviderError,
    ProviderRequestTooLargeError,
    ProviderTimeoutError,
    ValidationError,
)

from llmring._runtime import Clock, TimeLimitError, within
from llmring.bulk._batch_parts import BatchPart, BatchStore, PartState
from llmring.bulk._batch_rows import Encoder, Pending, digest_in

PART_BYTES = 32 * 2**20
"""The largest part: it is in memory while it is sent. All vendors take more."""

_SUBMIT_S = 600.0
_TRIES = 5
_LONGEST_PAUSE_S = 60.0
_LISTED = 1000
"""Batches that are looked through, the newest first, for one whose submission nobody has confirmed."""

_LOST_LOOKS = 30
"""Looks in a row that may fail before the job ends; it can be taken up again."""

_SERVER_ERROR = 500


class Part(msgspec.Struct, eq=False, kw_only=True):
    """A part with its rows, while it fills or while it runs.

    Attributes:
        part: as it is recorded.
        rows: by their digests; of a part that an earlier process has submitted, those that were given again.
        group: of its lines.
        lines: until they are submitted.
        size: of the lines, in bytes.
        lost_looks: looks in a row that failed.
    """

    part: BatchPart
    rows: dict[str, Pending] = msgspec.field(default_factory=dict)
    group: BatchGroup | None = None
    lines: list[bytes] = msgspec.field(default_factory=list)
    size: int = 0
    lost_looks: int = 0


class Submission:
    """Gathers rows and submits them.

    Args:
        encoder: of the rows.
        store: keeps the parts.
        clock: waits between tries.
        part_bytes: the largest part.
        pause_s: between looks at a batch that may be one that is looked for.
        fail: takes a row that was not submitted, with its part and the reason.

    Attributes:
        open: parts that run, by label.
    """

    def __init__(
        self,
        encoder: Encoder,
        store: BatchStore,
        clock: Clock,
        *,
        part_bytes: int,
        pause_s: float = _LONGEST_PAUSE_S,
        fail: Callable[[BatchPart, Pending, LLMRingError], None],
    ) -> None:
        self.open: dict[str, Part] = {}
        self._encoder = encoder
        self._store = store
        self._clock = clock
        self._part_bytes = part_bytes
        self._pause_s = min(pause_s, _LONGEST_PAUSE_S)
        self._fail = fail
        self._filling: dict[tuple[object, ...], Part] = {}
        self._job = token_hex(6)
        self._number = 0

    def api(self, part: BatchPart) -> BatchApi:
        """Return the batch API that runs a part.

        Raises:
            BatchError: the provider of that name has none.
        """
        api = self._encoder.api(part.provider)
        if api is None:
            raise BatchError(
                f"{part.provider} has no batch API", provider=part.provider, batch_id=part.batch_id
            )
        return api

    async def put(self, row: Pending, body: bytes, *, attempt: int = 1) -> None:
        """Put a row into a part, and submit the part that is full.

        Raises:
            ValidationError: a row of the same key and content is in the part already.
            ProviderRequestTooLargeError: it is larger than a batch.
        """
        shape = row.shape
        ref = shape.candidate.ref
        group = (ref, shape.wire.path, tuple(shape.wire.headers.items()), attempt)
        filling = self._filling.get(group)
        if filling is None:
            filling = self._filling[group] = self._new(ref, shape.wire.path, attempt)
        if row.digest in filling.rows:
            raise ValidationError(f"two rows have the key {row.key!r}", field="key", value=row.key)
        line = self._encoder.line(row, body, filling.part.label)
        limits, size = self.api(filling.part).limits, len(line.data) + 1
        if size > limits.size:
            raise ProviderRequestTooLargeError(
                f"the request has {size:,} bytes, and a batch takes {limits.size:,}",
                provider=ref.provider,
                model=ref.model,
            )
        room = min(limits.size, self._part_bytes) - filling.size
        if filling.rows and (size > room or len(filling.rows) >= limits.requests):
            await self._submit(self._filling.pop(group))
            await self.put(row, body, attempt=attempt)
            return
        filling.group = line.group
        filling.lines.append(line.data)
        filling.size += size
        filling.rows[row.digest] = row

    async def flush(self) -> None:
        """Submit whatever waits for more rows."""
        while self._filling:
            _, filling = self._filling.popitem()
            await self._submit(filling)

    async def resume(self) -> None:
        """Take up the parts in the store. One of which nobody knows whether it was submitted is looked for."""
        for part in await self._store.parts():
            if part.batch_id is None:
                found = await self._found(part)
                if found is None:
                    await self._save(part, "done")  # it never came to be, and its rows are new ones
                    continue
                part.batch_id = found.id
                await self._save(part, "open")
            self.open[part.label] = Part(part=part)

    async def close(self, running: Part) -> None:
        """Record that every result of a part is read."""
        del self.open[running.part.label]
        await self._save(running.part, "done")

    async def cancel(self, running: Part) -> None:
        """Ask for the end of a part."""
        part = running.part
        if part.is_cancelled or part.batch_id is None:
            return
        await self.api(part).cancel(part.batch_id)
        part.is_cancelled = True
        await self._store.save(part)

    async def look(self, running: Part) -> "BatchStatus | Literal['lost'] | None":
        """Return what the provider says of a part; ``lost`` where it says nothing now.

        Raises:
            ProviderError: it refuses to, or has said nothing for many looks.
        """
        try:
            status = await self.api(running.part).get(running.part.batch_id or "")
        except ProviderError as error:
            running.lost_looks += 1
            if not error.retryable or running.lost_looks > _LOST_LOOKS:
                raise
            return "lost"
        running.lost_looks = 0
        return status

    def _new(self, ref: ModelRef, path: str, attempt: int) -> Part:
        label = f"lr{self._job}-{self._number}"
        self._number += 1
        part = BatchPart(
            label=label, provider=ref.provider, model=ref.model, path=path, rows={}, attempt=attempt
        )
        return Part(part=part)

    async def _submit(self, filling: Part) -> None:
        part = filling.part
        part.rows = {digest: row.key for digest, row in filling.rows.items()}
        part.submitted_at = time.time()
        await self._store.save(part)
        try:
            status = await self._sent(filling)
        except LLMRingError as error:
            if not _may_exist(error):  # else the store keeps it, to be looked for
                await self._save(part, "done")
            for row in filling.rows.values():
                self._fail(part, row, error)
            return
        finally:
            filling.lines = []
        part.batch_id = status.id
        await self._save(part, "open")
        self.open[part.label] = filling

    async def _sent(self, filling: Part) -> BatchStatus:
        """Submit a part; after an answer that was lost, look for it before it is submitted again."""
        part, tries = filling.part, 0
        while True:
            tries += 1
            try:
                return await self._once(filling)
            except LLMRingError as error:
                if not error.retryable or tries == _TRIES:
                    raise
                wait = getattr(error, "retry_after", None)
                await self._clock.sleep(min(wait if wait is not None else 2.0**tries, _LONGEST_PAUSE_S))
                found = await self._found(part) if _may_exist(error) else None
                if found is not None:
                    return found

    async def _once(self, filling: Part) -> BatchStatus:
        part = filling.part
        if filling.group is None:
            raise BatchError("there is nothing to submit", provider=part.provider)
        api = self.api(part)
        if part.previous is None and not api.keeps_labels:
            part.previous = await self._newest(part)
            await self._store.save(part)
        try:
            return await within(_SUBMIT_S, api.submit(filling.lines, filling.group, part.label))
        except TimeLimitError:
            raise ProviderTimeoutError(
                f"the batch was not accepted within {_SUBMIT_S:g} s",
                provider=part.provider,
                timeout=_SUBMIT_S,
            ) from None

    async def _found(self, part: BatchPart) -> BatchStatus | None:
        """Return the batch of a part whose submission was not confirmed; ``None`` if there is none.

        Where the provider keeps no name with a batch, newer ones of the same size are looked into once they have ended.
        """
        api, seen = self.api(part), 0
        own = {each.part.batch_id for each in self.open.values()}
        async with aclosing(api.list_all()) as listed:
            async for status in listed:
                if status.id == part.previous:
                    break  # what follows is older
                seen += 1
                if status.label == part.label:
                    return status
                unnamed = status.label is None and status.total == len(part.rows) and status.id not in own
                if unnamed and await self._is_of(part, status):
                    return status
                if seen == _LISTED:
                    break
        return None

    async def _newest(self, part: BatchPart) -> str:
        async with aclosing(self.api(part).list_all()) as listed:
            found = await anext(listed, None)
        return "" if found is None else found.id

    async def _is_of(self, part: BatchPart, status: BatchStatus) -> bool:
        """Return whether the results of a batch are those of a part, by the key of the first."""
        api = self.api(part)
        found: BatchStatus | None = status
        while found is not None and not found.has_ended:
            await self._clock.sleep(self._pause_s)
            found = await api.get(status.id)
        if found is None:
            return False
        async with aclosing(api.read(found, at_most=max(found.total or 0, 1) * 2)) as results:
            first = await anext(results, None)
        return first is not None and digest_in(first.key, part.label) is not None

    async def _save(self, part: BatchPart, state: PartState) -> None:
        part.state = state
        await self._store.save(part)


def _may_exist(error: LLMRingError) -> bool:
    """Return whether the batch may have come to be in spite of the error."""
    if isinstance(error, ProviderConnectionError):
        return error.sent
    status = getattr(error, "status_code", None)
    return error.retryable and (status is None or status >= _SERVER_ERROR)
