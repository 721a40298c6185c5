"""Batches of requests on their way to a provider and as it keeps them, before and after the form of any vendor."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import msgspec
from llmring_types import LLMResponse

from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.embeddings import EmbeddingCall, Vectors
from llmring_providers.files import FileUpload
from llmring_providers.transport import HttpRequest

BatchState = Literal["running", "cancelling", "completed", "expired", "cancelled", "failed"]
ResultKind = Literal["answered", "expired", "cancelled", "unreadable"]


class BatchLimits(NamedTuple):
    """The limits of one batch.

    Attributes:
        requests: the most requests.
        size: the most bytes of all of them together, in the vendor's form.
        page: the vendor's page that says so.
    """

    requests: int
    size: int
    page: str


class BatchGroup(NamedTuple):
    """Requests that may share a batch: what the vendor wants to be the same for all of them.

    Attributes:
        path: of the endpoint, below the base URL.
        model: where a batch has a single one; else empty.
        headers: that every request needs, by name.
    """

    path: str
    model: str
    headers: tuple[tuple[str, str], ...]


class BatchLine(NamedTuple):
    """A request of a batch, ready for the wire.

    Attributes:
        group: the requests it may share a batch with.
        data: in the vendor's form, without a line break.
    """

    group: BatchGroup
    data: bytes

    def __repr__(self) -> str:
        return f"BatchLine({self.group.path!r}, {len(self.data):,} bytes)"


class BatchStatus(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A batch as a provider reports it.

    Attributes:
        id: by which the provider knows it.
        state: ``completed`` once every request has its result; ``expired`` and ``cancelled`` where some may have none;
            ``failed`` where nothing was processed.
        label: the name that it was submitted with, where the provider keeps it.
        total: its requests, where the provider counts them.
        succeeded: those answered so far.
        failed: those that came to nothing so far, for whatever reason.
        created_at: with its time zone.
        expires_at: when the provider gives up.
        results: where the results are: paths below the base URL, in the order in which they are to be read.
        problems: why the provider refused it as a whole, one sentence each.
        is_queue_full: it was refused for what else is waiting: the same batch may be taken later.
    """

    id: str
    state: BatchState
    label: str | None = None
    total: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    results: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    is_queue_full: bool = False

    @property
    def has_ended(self) -> bool:
        """True once nothing more comes."""
        return self.state not in ("running", "cancelling")


class BatchResult(NamedTuple):
    """The result of one request of a batch.

    Attributes:
        key: that it was submitted with.
        kind: ``expired`` and ``cancelled`` were not processed; ``unreadable`` is in no vendor's form, and has no key.
        status: of HTTP, as the request alone would have got it.
        body: the answer or the error, as the request alone would have got it.
        request_id: the provider's.
    """

    key: str
    kind: ResultKind
    status: int = 200
    body: bytes = b""
    request_id: str | None = None

    def __repr__(self) -> str:
        return f"BatchResult({self.key!r}, {self.kind!r}, {self.status}, {len(self.body):,} bytes)"


class BatchPage(NamedTuple):
    """A part of a list of batches, the newest first, and the path of the next one, if any."""

    batches: Sequence[BatchStatus]
    following: str | None = None


class BatchCodec(Protocol):
    """One vendor's form. Bytes in, bytes out; headers with the key are added by whoever sends.

    Attributes:
        limits: of one batch.
        listing: the path of the first page of the list.
        keeps_labels: a batch can be found by the label that it was submitted with.
        takes_embeddings: requests may ask for vectors.
        forgotten: statuses with which the vendor says that it has no such batch.
    """

    limits: BatchLimits
    listing: str
    keeps_labels: bool
    takes_embeddings: bool
    forgotten: frozenset[int]

    def line(self, key: str, wire: WireRequest, model: str) -> BatchLine:
        """Return a request in the vendor's form; ``key`` has up to 64 letters, digits, hyphens and underscores."""

    def upload(self, lines: Sequence[bytes], label: str) -> FileUpload | None:
        """Return the file that has to be uploaded first, where the vendor or the size wants one."""

    def create(
        self, lines: Sequence[bytes], group: BatchGroup, label: str, file_id: str | None
    ) -> HttpRequest:
        """Return the request that starts a batch; its URL is a path below the base URL."""

    def path(self, batch_id: str) -> str:
        """Return the path of one batch."""

    def cancel(self, batch_id: str) -> HttpRequest:
        """Return the request that cancels a batch; its URL is a path below the base URL."""

    def decode(self, body: bytes) -> BatchStatus:
        """Read what the vendor says of a batch.

        Raises:
            MalformedResponseError: it is not in the vendor's form.
        """

    def page(self, body: bytes) -> BatchPage:
        """Read one page of the list; raises as :meth:`decode`."""

    def inline_results(self, body: bytes) -> Sequence[BatchResult] | None:
        """Read the results that stand in the description of a batch; ``None`` where they are elsewhere.

        Raises:
            MalformedResponseError: they are not in the vendor's form.
        """

    def result(self, line: bytes) -> BatchResult:
        """Read one line of results.

        Raises:
            MalformedResponseError: it is not in the vendor's form.
        """


class BatchApi(Protocol):
    """The batch API of a provider.

    Attributes:
        limits: of one batch.
        keeps_labels: a batch can be found by the label that it was submitted with.
    """

    limits: BatchLimits
    keeps_labels: bool

    def request(self, call: ChatCall) -> WireRequest:
        """Return the request for a call, as it would be sent alone.

        Raises:
            UnsupportedContentError: the provider has no place for a part of it.
        """

    def line(self, call: ChatCall, wire: WireRequest, key: str) -> BatchLine:
        """Return a request in the form of the provider's batches.

        Args:
            call: the request.
            wire: as it would be sent alone.
            key: by which its result is known: up to 64 letters, digits, hyphens and underscores.
        """

    async def submit(self, lines: Sequence[bytes], group: BatchGroup, label: str) -> BatchStatus:
        """Submit a batch; what is uploaded for it stays at the provider.

        Args:
            lines: in the provider's form, within its limits.
            group: of all of them.
            label: a name of up to 64 characters to find it by.

        Raises:
            MalformedResponseError: the answer is not in the vendor's form.
            ProviderError: the provider refused, or cannot be reached.
        """

    async def get(self, batch_id: str) -> BatchStatus | None:
        """Return what the provider says of a batch; ``None`` if it has none of this id.

        Raises:
            ProviderError: the provider refused, or cannot be reached.
        """

    async def cancel(self, batch_id: str) -> bool:
        """Ask for the end of a batch; ``False`` if the provider has none of this id, or it has ended.

        Raises:
            ProviderError: the provider refused, or cannot be reached.
        """

    def list_all(self) -> AsyncGenerator[BatchStatus]:
        """Yield the batches of this key, the newest first.

        Raises:
            ProviderError: the provider refused, or cannot be reached.
        """

    def read(self, status: BatchStatus, *, at_most: int) -> AsyncGenerator[BatchResult]:
        """Yield the results of a batch that has ended, as they come over the wire.

        A line may be as long as an answer alone (``max_response_bytes``), and all of them together as long as so many
        such lines.

        Args:
            status: with the places of its results.
            at_most: results that it can have; more are an error, since nobody asked for them.

        Raises:
            MalformedResponseError: the document is not in the vendor's form, or has more lines than were asked for.
            StreamInterruptedError: the connection broke before the end.
            ProviderError: the provider refused, or cannot be reached.
        """

    def answer(self, call: ChatCall, wire: WireRequest, result: BatchResult) -> LLMResponse:
        """Return the answer that a result is, marked as served by the tier ``batch``.

        Args:
            call: as it was submitted; of its messages, the decoder needs none.
            wire: as it was submitted; its body is not needed.
            result: of the call.

        Raises:
            BatchExpiredError: the request was not processed in time.
            BatchCancelledError: the batch was cancelled first.
            LLMRingError: what the request alone would have raised.
        """

    def embedding_line(self, call: EmbeddingCall, key: str) -> BatchLine:
        """Return a request for vectors in the form of the provider's batches.

        Raises:
            ModelCapabilityError: its batches take none: only those of OpenAI do.
        """

    def vectors(self, call: EmbeddingCall, result: BatchResult) -> Vectors:
        """Return the vectors that a result is.

        Raises:
            BatchError: the request was not processed.
            MalformedResponseError: the answer does not have one vector for each text.
            LLMRingError: what the request alone would have raised.
        """


@runtime_checkable
class RunsBatches(Protocol):
    """A provider that may have a batch API; third-party ones may have the method too."""

    def batches(self) -> BatchApi | None:
        """Return its batch API; ``None`` where it has none."""
