"""Adapters: the pure translation between the neutral form and one provider's wire bytes."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from llmring_types import LLMResponse, StreamChunk
from llmring_types.exceptions import LLMRingError

from llmring_providers._protocol import ChatCall
from llmring_providers.transport._protocol import names_of


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
