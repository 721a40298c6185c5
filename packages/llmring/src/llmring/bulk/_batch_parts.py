"""The batches of a job at providers, as they are recorded: in a handle, a journal, or in memory."""

from collections.abc import Sequence
from typing import Literal, Protocol, Self

import msgspec
from llmring_providers.batches import BatchStatus
from llmring_types.exceptions import ValidationError

from llmring.bulk._outcomes import KeptError

PartState = Literal["sending", "open", "done"]


class BatchPart(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One batch of a job at one provider.

    Attributes:
        label: its name, with which the keys of its requests begin.
        provider: that runs it.
        model: of all its requests, without the provider.
        path: of the endpoint that they are for, below the base URL.
        rows: the digest of each request as it was sent, with the key of its row.
        batch_id: the provider's; ``None`` until it has answered.
        state: ``sending`` until the provider has answered, ``done`` once all results are read.
        submitted_at: seconds since 1970.
        previous: the newest batch of the account just before, where the provider keeps no labels; empty for none.
        attempt: how often its requests have been submitted, this time included.
        is_cancelled: its end was asked for.
    """

    label: str
    provider: str
    model: str
    path: str
    rows: dict[str, str]
    batch_id: str | None = None
    state: PartState = "sending"
    submitted_at: float = 0.0
    previous: str | None = None
    attempt: int = 1
    is_cancelled: bool = False

    def __repr__(self) -> str:
        return (
            f"BatchPart({self.label!r}, {self.provider}:{self.model}, {self.state}, {len(self.rows):,} rows)"
        )


class BatchHandle(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A job that was submitted to batch APIs. It outlives the process: :meth:`to_json`, :meth:`from_json`.

    It has keys and digests of the rows, and neither prompts nor secrets.

    Attributes:
        parts: the batches, in the order in which they were submitted.
        refused: rows that could not be submitted, by their keys, with the reason.
        version: of this form.
    """

    parts: tuple[BatchPart, ...] = ()
    refused: dict[str, KeptError] = {}
    version: int = 1

    @property
    def rows(self) -> int:
        """Number of rows, those that were refused included."""
        return sum(len(part.rows) for part in self.parts) + len(self.refused)

    def to_json(self) -> bytes:
        """Return the handle as a JSON document."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, document: bytes | str) -> Self:
        """Read a handle.

        Raises:
            ValidationError: the document is no handle, or of a version that this one does not know (also a
                ``ValueError``).
        """
        try:
            handle = msgspec.json.decode(document, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValidationError(f"this is no handle of a batch job: {error}", original=error) from error
        if handle.version != 1:
            raise ValidationError(
                f"the handle of the batch job has version {handle.version}; this llmring knows version 1",
                field="version",
            )
        return handle


class BatchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a batch job, as its providers report it.

    Attributes:
        rows: requests in all.
        succeeded: those that providers report as answered so far.
        failed: those that providers report as failed so far.
        parts: each batch; ``None`` for one that its provider does not have, or has not confirmed.
        has_ended: no part is running any more.
    """

    rows: int
    succeeded: int
    failed: int
    parts: "Sequence[BatchStatus | None]"
    has_ended: bool


class BatchStore(Protocol):
    """Keeps the parts of a job, so that nothing is submitted twice."""

    async def save(self, part: BatchPart) -> None:
        """Keep a part, in place of an earlier state of it. It is durable when this returns."""

    async def parts(self) -> Sequence[BatchPart]:
        """Return the parts that are not done, in the order in which they were first saved."""


class MemoryStore:
    """Keeps the parts of a job for the life of the process."""

    def __init__(self, parts: Sequence[BatchPart] = ()) -> None:
        self._parts = {part.label: part for part in parts}
        self.refused: dict[str, KeptError] = {}
        """Rows that could not be submitted."""

    @property
    def handle(self) -> BatchHandle:
        """All parts so far, without those that never came to be."""
        parts = (
            part for part in self._parts.values() if part.batch_id is not None or part.state == "sending"
        )
        return BatchHandle(parts=tuple(parts), refused=self.refused)

    async def save(self, part: BatchPart) -> None:
        self._parts[part.label] = part

    async def parts(self) -> Sequence[BatchPart]:
        return [part for part in self._parts.values() if part.state != "done"]
