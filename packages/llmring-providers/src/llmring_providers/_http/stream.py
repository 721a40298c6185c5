"""An adapter's stream decoder and the bytes of a streamed answer make a stream of chunks."""

from collections.abc import Sequence

from llmring_types import StreamChunk
from llmring_types.exceptions import ProviderError, StreamInterruptedError

from llmring_providers._http.replies import (
    blotted,
    rate_limits,
    request_id,
    timed_out,
    too_large,
    without_key,
)
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers.transport import (
    ByteStream,
    ResponseTooLargeError,
    TransportError,
    TransportTimeoutError,
)


class HttpStream:
    """A streamed answer over HTTP."""

    def __init__(
        self, reply: ByteStream, decoder: StreamDecoder, call: ChatCall, wire: WireRequest, key: str = ""
    ) -> None:
        self._reply = reply
        self._key = key
        self._decoder = decoder
        self._call = call
        self._warnings = list(wire.warnings)
        found = request_id(reply.headers)
        self._request_id = found and blotted(found, key)
        self._rate_limits = rate_limits(reply.headers, call.quirks)
        self._ended = False
        self._begun = False

    async def receive(self) -> Sequence[StreamChunk]:
        try:
            while not self._ended:
                if self._decoder.failure is not None:
                    self.close()
                    raise without_key(self._decoder.failure, self._key)
                if self._decoder.done:
                    break
                chunks = await self._next()
                if chunks:
                    chunks[0].rate_limits, self._rate_limits = self._rate_limits, None
                    self._begun = True
                    return chunks
                self._report_progress()
        except ProviderError as error:
            error.request_id = error.request_id or self._request_id
            raise
        self._ended = True
        return ()

    def _report_progress(self) -> None:
        """Report that something came, once the answer has begun: what comes before that is only a greeting."""
        if self._call.progress is not None:
            self._begun = self._begun or bool(self._decoder.partial().tool_calls)
            if self._begun:
                self._call.progress()

    async def _next(self) -> list[StreamChunk]:
        try:
            data = await self._reply.read()
        except ResponseTooLargeError as error:
            self.close()
            raise too_large(error, self._call) from error
        except TransportTimeoutError as error:
            self.close()
            raise timed_out(error, self._call) from error
        except TransportError as error:
            self.close()
            raise StreamInterruptedError(
                f"the connection broke in the middle of the stream ({error})",
                provider=self._call.ref.provider,
                model=self._call.ref.model,
                original=error,
            ) from error
        if data:
            chunks = self._decoder.feed(data)
        else:
            self._ended = True
            chunks = self._decoder.close()
        if (self._decoder.done or self._ended) and chunks:
            self._complete(chunks[-1])
        return chunks

    def _complete(self, last: StreamChunk) -> None:
        last.request_id = self._request_id
        if self._warnings:
            last.warnings = [*self._warnings, *(last.warnings or ())]

    def partial(self) -> StreamChunk:
        chunk = self._decoder.partial()
        self._complete(chunk)
        return chunk

    async def finish(self) -> None:
        await self._reply.finish()

    def close(self) -> None:
        self._ended = True
        self._reply.close()
