"""The batch API of an HTTP provider: a part of it that is loaded when it is first needed."""
# ruff: noqa: SLF001 - it sends as the provider does

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from llmring_types import LLMRequest, LLMResponse
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    MalformedResponseError,
    ModelCapabilityError,
    ProviderError,
    ProviderResponseTooLargeError,
    StreamInterruptedError,
)

from llmring_providers._http.replies import too_large, whole, without_key
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.batches.calls import (
    BatchCodec,
    BatchGroup,
    BatchLine,
    BatchResult,
    BatchStatus,
)
from llmring_providers.embeddings import EmbeddingCall, EmbeddingCodec, Vectors, embedding_codec
from llmring_providers.transport import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    ResponseTooLargeError,
    TransportError,
)

if TYPE_CHECKING:
    from llmring_providers._http.provider import HttpProvider

_OK = range(200, 300)
_FORGOTTEN = (403, 404, 410)
_ENDED = (400, 404, 409, 410)
"""Statuses of a request to cancel what has ended, or what is not there."""

_UNPROCESSED: Mapping[str, tuple[type[BatchError], str]] = {
    "expired": (BatchExpiredError, "expired"),
    "cancelled": (BatchCancelledError, "was cancelled"),
}
_LINE_AROUND = 2**16
"""Bytes of a line of results beside the answer itself."""


class HttpBatches:
    """Runs batches over the connection of a provider.

    Args:
        provider: whose requests, keys and limits they have.
        codec: of its vendor.
    """

    def __init__(self, provider: "HttpProvider", codec: BatchCodec) -> None:
        self._provider = provider
        self._codec = codec
        self.limits = codec.limits
        self.keeps_labels = codec.keeps_labels

    def request(self, call: ChatCall) -> WireRequest:
        """Return the request for a call, as it would be sent alone."""
        return self._provider._encode(call, stream=False)[1]

    def line(self, call: ChatCall, wire: WireRequest, key: str) -> BatchLine:
        """Return a request in the form of the provider's batches."""
        return self._codec.line(key, wire, call.ref.model)

    async def submit(self, lines: Sequence[bytes], group: BatchGroup, label: str) -> BatchStatus:
        """Submit a batch; see :class:`BatchApi` for this and the other methods."""
        upload = self._codec.upload(lines, label)
        file_id = None if upload is None else (await self._provider.upload_file(upload)).id
        del upload  # as large as the batch
        reply = await self._about_batches(self._codec.create(lines, group, label, file_id))
        return self._codec.decode(self._provider._checked(reply).body)

    async def get(self, batch_id: str) -> BatchStatus | None:
        """Return what the provider says of a batch; ``None`` if it has none of this id."""
        reply = await self._about_batches(HttpRequest("GET", self._codec.path(batch_id), {}))
        return None if reply.status in _FORGOTTEN else self._codec.decode(self._provider._checked(reply).body)

    async def cancel(self, batch_id: str) -> bool:
        """Ask for the end of a batch; ``False`` if the provider has none of this id, or it has ended."""
        reply = await self._about_batches(self._codec.cancel(batch_id))
        if reply.status in _ENDED:
            return False
        self._provider._checked(reply)
        return True

    async def list_all(self) -> AsyncGenerator[BatchStatus]:
        """Yield the batches of this key, the newest first."""
        path: str | None = self._codec.listing
        seen = set[str]()
        while path is not None and path not in seen:
            seen.add(path)
            page = self._codec.page(
                self._provider._checked(await self._about_batches(HttpRequest("GET", path, {}))).body
            )
            for each in page.batches:
                yield each
            path = page.following

    async def read(self, status: BatchStatus, *, at_most: int) -> AsyncGenerator[BatchResult]:
        """Yield the results of a batch that has ended, as they come over the wire."""
        left = at_most
        for path in status.results:
            if path == self._codec.path(status.id):
                reply = self._provider._checked(await self._about_batches(HttpRequest("GET", path, {})))
                results = self._codec.inline_results(reply.body) or ()
                left = self._left(left, len(results))
                for result in results:
                    yield result
                continue
            async with aclosing(self._lines(path, at_most)) as lines:
                async for line in lines:
                    left = self._left(left, 1)
                    yield self._codec.result(line)

    def answer(self, call: ChatCall, wire: WireRequest, result: BatchResult) -> LLMResponse:
        """Return the answer that a result is, marked as served by the tier ``batch``."""
        call = self._provider._addressed(call)
        self._check(call, result)
        try:
            response = self._provider._adapter.decode(result.body, call, wire)
        except ProviderError as error:
            error.request_id = error.request_id or result.request_id
            raise without_key(error, self._provider._key()) from error.original
        response.request_id = response.request_id or result.request_id
        response.warnings = [*wire.warnings, *response.warnings]
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
        codec = embedding_codec(self._provider.name)
        if codec is None or not self._codec.takes_embeddings:
            raise ModelCapabilityError(
                f"{self._provider.name} has no batches of embeddings",
                provider=self._provider.name,
                model=call.ref.model,
            )
        return codec

    def _check(self, call: ChatCall, result: BatchResult) -> None:
        """Raise the error that a result is, if it is one."""
        if result.kind != "answered":
            kind, ending = _UNPROCESSED[result.kind]
            raise kind(
                f"the batch {ending} before the request was processed",
                provider=self._provider.name,
                model=call.ref.model,
            )
        if result.status not in _OK:
            raise self._provider._rejection(HttpResponse(result.status, {}, result.body), call)

    def _left(self, left: int, read: int) -> int:
        if read > left:
            raise MalformedResponseError(
                "the results of the batch have more lines than the batch had requests",
                provider=self._provider.name,
            )
        return left - read

    async def _lines(self, path: str, at_most: int) -> AsyncGenerator[bytes]:
        """Yield the lines of a document, none of them empty."""
        limit = (
            None
            if self._provider._max_response_bytes is None
            else self._provider._max_response_bytes + _LINE_AROUND
        )
        request = self._below(HttpRequest("GET", path, {}))
        try:
            reply = await self._provider._carrier().open(
                request._replace(max_response_bytes=limit and limit * max(at_most, 1))
            )
        except TransportError as error:
            raise self._provider._unanswered(error, self._provider._nothing()) from error
        if reply.status not in _OK:
            raise self._provider._rejection(await whole(reply), self._provider._nothing())
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
                        provider=self._provider.name,
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
            raise too_large(error, self._provider._nothing()) from error
        except TransportError as error:
            raise StreamInterruptedError(
                f"the connection broke in the middle of the results ({error})",
                provider=self._provider.name,
                original=error,
            ) from error

    async def _about_batches(self, request: HttpRequest) -> HttpResponse:
        return await self._provider._fetch(self._below(request), self._provider._nothing())

    def _below(self, request: HttpRequest) -> HttpRequest:
        return request._replace(
            url=self._provider.base_url + request.url,
            headers={**self._provider._headers, **request.headers},
            max_response_bytes=self._provider._max_response_bytes,
        )
