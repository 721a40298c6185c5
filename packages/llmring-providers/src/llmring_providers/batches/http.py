"""The batch API of an HTTP provider: a part of it that is loaded when it is first needed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from llmring_types import LLMRequest, LLMResponse, ModelRef
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    LLMRingError,
    MalformedResponseError,
    ModelCapabilityError,
    ProviderResponseTooLargeError,
    StreamInterruptedError,
)

from llmring_providers._http.replies import timed_out, too_large
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.batches.calls import (
    BatchCodec,
    BatchGroup,
    BatchLine,
    BatchResult,
    BatchStatus,
)
from llmring_providers.embeddings import EmbeddingCall, EmbeddingCodec, Vectors, embedding_codec
from llmring_providers.files import FileUpload, StoredFile
from llmring_providers.transport import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)

_OK = range(200, 300)
_ENDED = (400, 404, 409, 410)
"""Statuses of a request to cancel what has ended, or what is not there."""

_UNPROCESSED: Mapping[str, tuple[type[BatchError], str]] = {
    "expired": (BatchExpiredError, "expired"),
    "cancelled": (BatchCancelledError, "was cancelled"),
}
_LINE_AROUND = 2**16
"""Bytes of a line of results beside the answer itself."""


class Connection(NamedTuple):
    """The way to a provider's host, with its keys and limits. Requests name a path below its base URL.

    Attributes:
        name: of the provider.
        limit: bytes of one answer; ``None`` for no limit.
        address: returns a call with its host and what that host does otherwise.
        encode: makes the request for a call, as it would be sent alone.
        decode: reads an answer to a call and its request; the last argument is the provider's id of the request.
        fetch: sends a request and returns the whole answer, whatever its status, up to the limit.
        open: sends a request and returns an answer of success when its head has come, up to the request's own limit.
        rejection: translates an answer of another status.
    """

    name: str
    limit: int | None
    address: Callable[[ChatCall], ChatCall]
    encode: Callable[[ChatCall], WireRequest]
    decode: Callable[[bytes, ChatCall, WireRequest, str | None], LLMResponse]
    fetch: Callable[[HttpRequest], Awaitable[HttpResponse]]
    open: Callable[[HttpRequest], Awaitable[ByteStream]]
    rejection: Callable[[HttpResponse, ChatCall], LLMRingError]


class HttpBatches:
    """Runs batches over the connection of a provider.

    Args:
        codec: of its vendor.
        connection: leads to its host.
        upload: keeps a file at the provider.
    """

    def __init__(
        self,
        codec: BatchCodec,
        connection: Connection,
        upload: Callable[[FileUpload], Awaitable[StoredFile]],
    ) -> None:
        self._codec = codec
        self._connection = connection
        self._upload = upload
        self._nothing = ChatCall(LLMRequest([]), ModelRef(connection.name, ""))
        self.limits = codec.limits
        self.keeps_labels = codec.keeps_labels

    def request(self, call: ChatCall) -> WireRequest:
        """Return the request for a call, as it would be sent alone."""
        return self._connection.encode(call)

    def line(self, call: ChatCall, wire: WireRequest, key: str) -> BatchLine:
        """Return a request in the form of the provider's batches."""
        return self._codec.line(key, wire, call.ref.model)

    async def submit(self, lines: Sequence[bytes], group: BatchGroup, label: str) -> BatchStatus:
        """Submit a batch; see :class:`BatchApi` for this and the other methods."""
        upload = self._codec.upload(lines, label)
        file_id = None if upload is None else (await self._upload(upload)).id
        del upload  # as large as the batch
        reply = await self._connection.fetch(self._codec.create(lines, group, label, file_id))
        return self._codec.decode(self._checked(reply).body)

    async def get(self, batch_id: str) -> BatchStatus | None:
        """Return what the provider says of a batch; ``None`` if it has none of this id."""
        reply = await self._connection.fetch(HttpRequest("GET", self._codec.path(batch_id), {}))
        if reply.status in self._codec.forgotten:
            return None
        return self._codec.decode(self._checked(reply).body)

    async def cancel(self, batch_id: str) -> bool:
        """Ask for the end of a batch; ``False`` if the provider has none of this id, or it has ended."""
        reply = await self._connection.fetch(self._codec.cancel(batch_id))
        if reply.status in _ENDED:
            return False
        self._checked(reply)
        return True

    async def list_all(self) -> AsyncGenerator[BatchStatus]:
        """Yield the batches of this key, the newest first."""
        path: str | None = self._codec.listing
        seen = set[str]()
        while path is not None and path not in seen:
            seen.add(path)
            page = self._codec.page(
                self._checked(await self._connection.fetch(HttpRequest("GET", path, {}))).body
            )
            for each in page.batches:
                yield each
            path = page.following

    async def read(self, status: BatchStatus, *, at_most: int) -> AsyncGenerator[BatchResult]:
        """Yield the results of a batch that has ended, as they come over the wire."""
        left = at_most
        for path in status.results:
            if path == self._codec.path(status.id):
                reply = self._checked(await self._connection.fetch(HttpRequest("GET", path, {})))
                results = self._codec.inline_results(reply.body) or ()
                left = self._left(left, len(results))
                for result in results:
                    yield result
                continue
            async with aclosing(self._lines(path, at_most)) as lines:
                async for line in lines:
                    left = self._left(left, 1)
                    yield self._result(line)

    def _result(self, line: bytes) -> BatchResult:
        """Read a line of results. One that cannot be read ends nothing: the answers in the others are paid for."""
        try:
            return self._codec.result(line)
        except MalformedResponseError:
            return BatchResult("", "unreadable")

    def answer(self, call: ChatCall, wire: WireRequest, result: BatchResult) -> LLMResponse:
        """Return the answer that a result is, marked as served by the tier ``batch``."""
        call = self._connection.address(call)
        self._check(call, result)
        response = self._connection.decode(result.body, call, wire, result.request_id)
        if response.usage is not None:
            response.usage["service_tier"] = "batch"
        return response

    def embedding_line(self, call: EmbeddingCall, key: str) -> BatchLine:
        """Return a request for vectors in the form of the provider's batches."""
        codec = self._embeddings(call)
        return self._codec.line(
            key, WireRequest(path=codec.endpoint, body=codec.encode(call)), call.ref.model
        )

    def vectors(self, call: EmbeddingCall, result: BatchResult) -> Vectors:
        """Return the vectors that a result is."""
        codec = self._embeddings(call)
        self._check(ChatCall(LLMRequest([]), call.ref), result)
        return codec.decode(result.body, call)

    def _embeddings(self, call: EmbeddingCall) -> EmbeddingCodec:
        codec = embedding_codec(self._connection.name)
        if codec is None or not self._codec.takes_embeddings:
            raise ModelCapabilityError(
                f"{self._connection.name} has no batches of embeddings",
                provider=self._connection.name,
                model=call.ref.model,
            )
        return codec

    def _check(self, call: ChatCall, result: BatchResult) -> None:
        """Raise the error that a result is, if it is one."""
        if result.kind != "answered":
            kind, ending = _UNPROCESSED[result.kind]
            raise kind(
                f"the batch {ending} before the request was processed",
                provider=self._connection.name,
                model=call.ref.model,
            )
        if result.status not in _OK:
            raise self._connection.rejection(HttpResponse(result.status, {}, result.body), call)

    def _checked(self, reply: HttpResponse) -> HttpResponse:
        if reply.status not in _OK:
            raise self._connection.rejection(reply, self._nothing)
        return reply

    def _left(self, left: int, read: int) -> int:
        if read > left:
            raise MalformedResponseError(
                "the results of the batch have more lines than the batch had requests",
                provider=self._connection.name,
            )
        return left - read

    async def _lines(self, path: str, at_most: int) -> AsyncGenerator[bytes]:
        """Yield the lines of a document, none of them empty."""
        limit = self._connection.limit and self._connection.limit + _LINE_AROUND
        request = HttpRequest("GET", path, {}, b"", limit and limit * max(at_most, 1))
        reply = await self._connection.open(request)
        held: list[bytes] = []
        size = 0
        try:
            while piece := await self._piece(reply):
                *ended, rest = piece.split(b"\n")
                for each in ended:
                    held.append(each)
                    line = b"".join(held).strip()
                    held, size = [], 0
                    if line:
                        yield line
                held.append(rest)
                size += len(rest)
                if limit is not None and size > limit:
                    raise ProviderResponseTooLargeError(
                        f"one result of the batch is larger than the limit of {limit} bytes (max_response_bytes)",
                        limit=limit,
                        provider=self._connection.name,
                    )
            if line := b"".join(held).strip():
                yield line
            await reply.finish()
        finally:
            reply.close()

    async def _piece(self, reply: ByteStream) -> bytes:
        try:
            return await reply.read()
        except ResponseTooLargeError as error:
            raise too_large(error, self._nothing) from error
        except TransportTimeoutError as error:
            raise timed_out(error, self._nothing) from error
        except TransportError as error:
            raise StreamInterruptedError(
                f"the connection broke in the middle of the results ({error})",
                provider=self._connection.name,
                original=error,
            ) from error
