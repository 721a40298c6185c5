"""The part of an HTTP provider that runs batches. The codecs are loaded when they are first needed."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from llmring_types import LLMResponse
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchError,
    BatchExpiredError,
    LLMRingError,
    MalformedResponseError,
    ModelCapabilityError,
    ProviderError,
    ProviderResponseTooLargeError,
    StreamInterruptedError,
)

from llmring_providers._adapter import Adapter, WireRequest
from llmring_providers._http_files import HttpFiles
from llmring_providers._protocol import ChatCall
from llmring_providers._replies import too_large, whole
from llmring_providers._secrets import without_key
from llmring_providers.transport import (
    ByteStream,
    HttpRequest,
    HttpResponse,
    ResponseTooLargeError,
    Transport,
    TransportError,
)

if TYPE_CHECKING:
    from llmring_providers.batches import (
        BatchCodec,
        BatchGroup,
        BatchLimits,
        BatchLine,
        BatchResult,
        BatchStatus,
    )

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


class HttpBatches(HttpFiles):
    """Runs batches over the connection of the class that has it as a base."""

    _adapter: Adapter

    def batch_limits(self) -> "BatchLimits | None":
        """Return the limits of one batch; ``None`` where the provider has no batch API."""
        codec = _found(self.name)
        return None if codec is None else codec.limits

    def batch_request(self, call: ChatCall) -> WireRequest:
        """Return the request for a call, as it would be sent alone."""
        return self._adapter.encode(self._addressed(call), stream=False)

    def batch_line(self, call: ChatCall, wire: WireRequest, key: str) -> "BatchLine":
        """Return a request in the form of the provider's batches.

        Raises:
            ModelCapabilityError: the provider has no batch API.
        """
        return self._batches().line(key, wire, call.ref.model)

    async def submit_batch(self, lines: Sequence[bytes], group: "BatchGroup", label: str) -> "BatchStatus":
        """Submit a batch; what is uploaded for it stays at the provider.

        Args:
            lines: in the provider's form, within its limits.
            group: of all of them.
            label: a name of up to 64 characters to find it by.

        Raises:
            ModelCapabilityError: the provider has no batch API.
            MalformedResponseError: the answer is not in the vendor's form.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._batches()
        upload = codec.upload(lines, label)
        file_id = None if upload is None else (await self.upload_file(upload)).id
        del upload  # as large as the batch
        reply = await self._about_batches(codec.create(lines, group, label, file_id))
        return codec.decode(self._checked(reply).body)

    async def get_batch(self, batch_id: str) -> "BatchStatus | None":
        """Return what the provider says of a batch; ``None`` if it has none of this id.

        Raises:
            ModelCapabilityError: the provider has no batch API.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._batches()
        reply = await self._about_batches(HttpRequest("GET", codec.path(batch_id), {}))
        return None if reply.status in _FORGOTTEN else codec.decode(self._checked(reply).body)

    async def cancel_batch(self, batch_id: str) -> bool:
        """Ask for the end of a batch; ``False`` if the provider has none of this id, or it has ended.

        Raises:
            ModelCapabilityError: the provider has no batch API.
            ProviderError: it refused, or cannot be reached.
        """
        reply = await self._about_batches(self._batches().cancel(batch_id))
        if reply.status in _ENDED:
            return False
        self._checked(reply)
        return True

    async def list_batches(self) -> "AsyncGenerator[BatchStatus]":
        """Yield the batches of this key, the newest first.

        Raises:
            ModelCapabilityError: the provider has no batch API.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._batches()
        path: str | None = codec.listing
        seen = set[str]()
        while path is not None and path not in seen:
            seen.add(path)
            page = codec.page(self._checked(await self._about_batches(HttpRequest("GET", path, {}))).body)
            for each in page.batches:
                yield each
            path = page.following

    async def read_batch(self, status: "BatchStatus", *, at_most: int) -> "AsyncGenerator[BatchResult]":
        """Yield the results of a batch that has ended, as they come over the wire.

        A line may be as long as an answer alone (``max_response_bytes``), and all of them together as long as so many
        such lines.

        Args:
            status: with the places of its results.
            at_most: results that it can have; more are an error, since nobody asked for them.

        Raises:
            MalformedResponseError: a line is not in the vendor's form, or there are more than were asked for.
            StreamInterruptedError: the connection broke before the end.
            ProviderError: the provider refused, or cannot be reached.
        """
        codec = self._batches()
        left = at_most
        for path in status.results:
            if path == codec.path(status.id):
                reply = self._checked(await self._about_batches(HttpRequest("GET", path, {})))
                results = codec.inline_results(reply.body) or ()
                left = self._left(left, len(results))
                for result in results:
                    yield result
                continue
            async with aclosing(self._lines(path, at_most)) as lines:
                async for line in lines:
                    left = self._left(left, 1)
                    yield codec.result(line)

    def batch_answer(self, call: ChatCall, wire: WireRequest, result: "BatchResult") -> LLMResponse:
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
        call = self._addressed(call)
        if result.kind != "answered":
            kind, ending = _UNPROCESSED[result.kind]
            raise kind(
                f"the batch {ending} before the request was processed",
                provider=self.name,
                model=call.ref.model,
            )
        if result.status not in _OK:
            raise self._rejection(HttpResponse(result.status, {}, result.body), call)
        try:
            response = self._adapter.decode(result.body, call, wire)
        except ProviderError as error:
            error.request_id = error.request_id or result.request_id
            raise without_key(error, self._key()) from error.original
        response.request_id = response.request_id or result.request_id
        response.warnings = [*wire.warnings, *response.warnings]
        if response.usage is not None:
            response.usage["service_tier"] = "batch"
        return response

    def _left(self, left: int, read: int) -> int:
        if read > left:
            raise MalformedResponseError(
                "the results of the batch have more lines than the batch had requests", provider=self.name
            )
        return left - read

    async def _lines(self, path: str, at_most: int) -> AsyncGenerator[bytes]:
        """Yield the lines of a document, none of them empty."""
        limit = None if self._max_response_bytes is None else self._max_response_bytes + _LINE_AROUND
        request = self._below(HttpRequest("GET", path, {}))
        try:
            reply = await self._carrier().open(
                request._replace(max_response_bytes=limit and limit * max(at_most, 1))
            )
        except TransportError as error:
            raise self._unanswered(error, self._nothing()) from error
        if reply.status not in _OK:
            raise self._rejection(await whole(reply), self._nothing())
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
                        provider=self.name,
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
            raise too_large(error, self._nothing()) from error
        except TransportError as error:
            raise StreamInterruptedError(
                f"the connection broke in the middle of the results ({error})",
                provider=self.name,
                original=error,
            ) from error

    def _batches(self) -> "BatchCodec":
        codec = _found(self.name)
        if codec is None:
            raise ModelCapabilityError(f"{self.name} has no batch API", provider=self.name)
        return codec

    async def _about_batches(self, request: HttpRequest) -> HttpResponse:
        return await self._fetch(self._below(request), self._nothing())

    def _below(self, request: HttpRequest) -> HttpRequest:
        return request._replace(
            url=self.base_url + request.url,
            headers={**self._headers, **request.headers},
            max_response_bytes=self._max_response_bytes,
        )

    def _addressed(self, call: ChatCall) -> ChatCall:
        raise NotImplementedError

    def _carrier(self) -> Transport:
        raise NotImplementedError

    def _key(self) -> str:
        raise NotImplementedError

    def _unanswered(self, error: TransportError, call: ChatCall) -> LLMRingError:
        raise NotImplementedError


def _found(name: str) -> "BatchCodec | None":
    from llmring_providers.batches import batch_codec  # noqa: PLC0415 - chat does without

    return batch_codec(name)
