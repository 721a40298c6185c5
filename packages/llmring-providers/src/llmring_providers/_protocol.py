"""The protocols of providers and of their adapters: the interfaces to implement for another one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec
from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef, StreamChunk
from llmring_types.exceptions import LLMRingError
from llmring_types.hosts import Quirks

from llmring_providers.transport._protocol import names_of


class ChatCall(NamedTuple):
    """One request for one model.

    Attributes:
        request: never to be changed; its ``model`` is what the user asked for, not what is to be called.
        ref: the model to call.
        facts: what is known of it, or ``None``.
        progress: called by a stream that receives data without completing a chunk, such as a long tool call; it extends
            the wait for the next chunk.
        host: the host that is asked, with its port: rules of the vendor's own do not hold for others. ``None`` is the
            vendor's.
        quirks: where that host deviates from the protocol; ``None`` where it does not.
        encoded: what ``output_bounds`` made of this call, so that its body is not written twice.
    """

    request: LLMRequest
    ref: ModelRef
    facts: ModelFacts | None = None
    progress: Callable[[], None] | None = None
    host: str | None = None
    quirks: Quirks | None = None
    encoded: "EncodedCall | None" = None


class OutputBounds(NamedTuple):
    """Limits on the length of an answer, as a request sets them.

    Attributes:
        limit: most output tokens of one answer, reasoning included; ``None`` where the request sets no limit.
        answers: how many answers it asks for.
        encoded: the request that was looked at, for whoever sends it next.
    """

    limit: int | None = None
    answers: int = 1
    encoded: "EncodedCall | None" = None


class ProviderStream(Protocol):
    """An answer in chunks."""

    async def receive(self) -> Sequence[StreamChunk]:
        """Return the next chunks, at least one; none at the proper end.

        Raises:
            ProviderError: the provider reported an error, the stream was cut or is malformed.
        """

    def partial(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far: tool calls, usage, ids."""

    async def finish(self) -> None:
        """Give the connection back after the end."""

    def close(self) -> None:
        """Close the connection at once; safe at any time and more than once."""


@runtime_checkable
class BoundsOutput(Protocol):
    """A provider that says how much its requests let a model write, which is what budgets set aside; it need not."""

    def output_bounds(self, call: ChatCall) -> OutputBounds:
        """Return the bounds of the request that would be sent for this call: for a stream, if it has ``progress``.

        Raises:
            UnsupportedContentError: the provider has no place for a part of it.
        """


class Provider(Protocol):
    """Answers chat calls. It neither retries nor watches the clock: the caller does both, and may cancel it."""

    name: str

    async def chat(self, call: ChatCall) -> LLMResponse:
        """Answer the call.

        Raises:
            LLMRingError: of the type that says whether another try or another model may help.
        """

    async def stream(self, call: ChatCall) -> ProviderStream:
        """Start the answer; returns once the provider has accepted the call.

        Raises:
            LLMRingError: as for :meth:`chat`.
        """

    async def aclose(self) -> None:
        """Free what the provider holds of its own."""


class WireRequest(msgspec.Struct, kw_only=True, frozen=True):
    """A request ready for the wire.

    Attributes:
        path: below the provider's base URL, with its query.
        body: JSON.
        headers: those that only this request needs.
        warnings: what was asked for and could not be sent, one sentence each.
        notes: what the decoder of the same adapter must know of the encoding.
    """

    path: str
    body: bytes
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    notes: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"WireRequest({self.path!r}, {len(self.body)} bytes, {names_of(self.headers)})"


class EncodedCall(NamedTuple):
    """A request that a provider has encoded, and what it has made it of.

    Attributes:
        provider: whose it is.
        call: what was encoded, with the host that it is for.
        wire: the request.
    """

    provider: Any
    call: ChatCall
    wire: WireRequest

    def wire_of(self, provider: Any, call: ChatCall) -> WireRequest | None:
        """Return the request if it is the one for this call, ``None`` where somebody between has changed the call."""
        made = self.call
        same = self.provider is provider and made.request is call.request and made.ref == call.ref
        if not same or made.facts is not call.facts or made.progress is not call.progress:
            return None
        return self.wire


class Fingerprint(NamedTuple):
    """Content that distinguishes a call from others.

    Attributes:
        content: address and body of its request, without any key.
        encoded: the request, for whoever sends it next.
    """

    content: bytes
    encoded: EncodedCall | None = None


class StreamDecoder(Protocol):
    """Turns the body of one stream into chunks, however its bytes are split.

    Attributes:
        done: the terminal event was seen.
        failure: the error that the stream reported or is; nothing after it is read.
    """

    done: bool
    failure: LLMRingError | None

    def feed(self, data: bytes) -> list[StreamChunk]:
        """Return the chunks that these bytes complete."""

    def close(self) -> list[StreamChunk]:
        """Take the proper end of the body and return the last chunks.

        Raises:
            StreamInterruptedError: the terminal event has not been seen.
        """

    def partial(self) -> StreamChunk:
        """Return what has been gathered for the last chunk so far."""


class Adapter(Protocol):
    """One provider's protocol. It has no state and does no I/O."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        """Return the headers that carry the key, and those that every request has."""

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        """Translate the call.

        Raises:
            UnsupportedContentError: the provider has no place for a part of it.
        """

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
        """Translate a whole answer.

        Raises:
            MalformedResponseError: it is not what the protocol says.
            ProviderError: the provider reports an error with a status of success.
        """

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:
        """Return a decoder for the answer to this request."""

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        """Translate an answer that is an error. Works on any bytes."""
