"""The shape of a codec: one protocol from the host's side, as a gateway and the simulator use it.

An adapter writes requests and reads answers; a codec reads requests and writes answers, the exact inverse. It is made
of pure functions over typed structs: no state, no clock, no I/O.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
from llmring_types import LLMRequest, LLMResponse, StreamChunk
from llmring_types.exceptions import LLMRingError, StreamInterruptedError

from llmring_providers.hosting.reading import split

ProtocolName = Literal["openai_chat", "openai_responses", "anthropic", "gemini", "ollama", "bedrock"]
Operation = Literal["chat", "models", "count_tokens", "embeddings", "generate", "version", "show"]
"""``generate`` is a chat of one prompt, ``version`` and ``show`` are about the server and a model: Ollama's alone."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint that a request is for.

    Attributes:
        protocol: the name of the codec that reads its body.
        operation: what is asked for.
        model: the model, where the path names it (Gemini, Bedrock), or the one whose entry of the list is wanted.
        stream: whether a stream is asked for, where the path says so (Gemini, Bedrock).
        sse: a stream is framed as server-sent events; ``False`` is Gemini's array that grows.
    """

    protocol: ProtocolName
    operation: Operation
    model: str | None = None
    stream: bool = False
    sse: bool = True


class HostedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the client of a host sent it.

    Attributes:
        request: in the neutral form; ``model`` is the name that the client wrote. Parameters without a place in it are
            in ``extra_params``, where the adapter of the protocol takes them from.
        stream: a stream is asked for.
        route: the endpoint.
        usage_in_stream: a stream is to report usage; only chat completions let the client choose.
        unread: what was not understood and is not in the request, each by its place (``messages[2].content[0].foo``).
    """

    request: LLMRequest
    route: Route
    stream: bool = False
    usage_in_stream: bool = True
    unread: tuple[str, ...] = ()


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Everything in an answer that neither the model nor the request says.

    Attributes:
        seed: 32 hexadecimal digits; ids that the provider did not give are made of it.
        created: when the answer was made, in seconds since 1970.
        piece: most characters of a tool's arguments in one event of a stream; ``None`` sends them at once.
        signature: of reasoning that comes without one; empty leaves it unsigned.
    """

    seed: str
    created: int
    piece: int | None = None
    signature: str = ""

    def id(self, prefix: str, place: int = 0, *, digits: int = 24) -> str:
        """Return an id in the style of a provider, another one for every place."""
        return f"{prefix}{(self.seed * 2)[: digits - 2]}{place:02x}"

    def pieces(self, text: str) -> list[str]:
        """Return a text in pieces, none of them empty."""
        size = self.piece or max(1, len(text))
        return [text[start : start + size] for start in range(0, len(text), size)]


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An error as an HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class StreamWriter(ABC):
    """Writes one stream, event by event, each with its frame.

    The chunk with a finish reason is the last one: with it come the events that end the stream. Without it no end is
    written: :meth:`close` then reports an interruption, so that a cut upstream never looks like a whole answer.

    Attributes:
        over: the end or an error was written; nothing may follow.
    """

    def __init__(self) -> None:
        self.over = False

    def write(self, chunk: StreamChunk) -> list[bytes]:
        """Return the events that a chunk is; none once the stream is over.

        Ids, the model that serves and the count of the prompt may be known with the first chunk already: the protocols
        that say them at the start take them from it.
        """
        if self.over:
            return []
        events = self._piece(chunk)
        if chunk.finish_reason is not None:
            events += self._end(chunk)
            self.over = True
        return events

    def fail(self, error: LLMRingError) -> list[bytes]:
        """Return the protocol's own error event, after which the body is to end; none once the stream is over."""
        if self.over:
            return []
        self.over = True
        return self._failure(error)

    def close(self) -> list[bytes]:
        """Return what is left to write when no more chunks come: nothing after an end, else an error event."""
        return self.fail(
            StreamInterruptedError(
                "the stream ended before the model had finished: what came is not the whole answer"
            )
        )

    @abstractmethod
    def _piece(self, chunk: StreamChunk) -> list[bytes]:
        """Return the events for the text and the reasoning of a chunk."""

    @abstractmethod
    def _end(self, chunk: StreamChunk) -> list[bytes]:
        """Return the events for everything else that the last chunk has, and those that end the stream."""

    @abstractmethod
    def _failure(self, error: LLMRingError) -> list[bytes]:
        """Return the events that report an error."""


class Codec(Protocol):
    """One protocol, seen from the host's side.

    Attributes:
        name: of the protocol.
        vendor: the provider of the protocol's own vendor; ``native`` content that is read here is marked as its own.
        request_id_header: the header in which the id of a request is reported.
    """

    name: ProtocolName
    vendor: str
    request_id_header: str

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:
        """Return the endpoint; ``None`` where the protocol has no such one.

        Args:
            method: of HTTP, in capitals.
            target: path and query, or a whole URL; what precedes the known end of the path does not matter.
            headers: with names in lower case; they decide where two protocols share a path.
        """

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:
        """Read a chat request, or one whose tokens are to be counted.

        Raises:
            ValidationError: it is not JSON, or not what the protocol says; a host answers 400 with this text.
        """

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        """Write a whole answer."""

    def stream_type(self, asked: HostedRequest) -> str:
        """Return the media type of a streamed answer."""

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        """Return a writer for the stream that answers this request."""

    def error(self, error: LLMRingError) -> ErrorAnswer:
        """Write an error in the protocol's own shape, with the status that makes clients act rightly."""

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        """Write the list of models."""

    def token_count(self, tokens: int) -> bytes:
        """Write the number of tokens of a request."""


class Endpoint(NamedTuple):
    """One endpoint, by the end of its path.

    Attributes:
        method: of HTTP, in capitals.
        path: its end.
        operation: what is asked for there.
        header: must be there as well, where another protocol has an endpoint of the same path.
    """

    method: str
    path: str
    operation: Operation
    header: str | None = None

    def takes(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        """Return whether a request is for this endpoint."""
        there = self.header is None or self.header in headers
        return method == self.method and path.endswith(self.path) and there


EVENT_STREAM = "text/event-stream; charset=utf-8"


class ProtocolCodec:
    """A codec made of the functions of its protocol, which are the methods of :class:`Codec` by the same names.

    Args:
        name: of the protocol.
        vendor: the provider of the protocol's own vendor.
        endpoints: what it answers; the first that fits is taken.
        counted: the document of a token count, with ``%d`` for the number.
        stream_type: the media type of every stream.
        request_id_header: the header in which the id of a request is reported.
    """

    def __init__(
        self,
        name: ProtocolName,
        vendor: str,
        endpoints: Sequence[Endpoint] = (),
        *,
        read: Callable[[Route, Mapping[str, str], bytes], HostedRequest],
        write: Callable[[LLMResponse, HostedRequest, Stamp], bytes],
        stream_writer: Callable[[HostedRequest, Stamp], StreamWriter],
        error: Callable[[LLMRingError], ErrorAnswer],
        models: Callable[[Sequence[str], Stamp], bytes],
        counted: bytes,
        stream_type: str = EVENT_STREAM,
        request_id_header: str = "x-request-id",
    ) -> None:
        self.name = name
        self.vendor = vendor
        self.request_id_header = request_id_header
        self._endpoints = endpoints
        self._read = read
        self._write = write
        self._stream_writer = stream_writer
        self._error = error
        self._models = models
        self._counted = counted
        self._stream_type = stream_type

    def route(self, method: str, target: str, headers: Mapping[str, str]) -> Route | None:
        path, _ = split(target)
        found = next((each for each in self._endpoints if each.takes(method, path, headers)), None)
        return found and Route(protocol=self.name, operation=found.operation)

    def read(self, route: Route, headers: Mapping[str, str], body: bytes) -> HostedRequest:
        return self._read(route, headers, body)

    def write(self, response: LLMResponse, asked: HostedRequest, stamp: Stamp) -> bytes:
        return self._write(response, asked, stamp)

    def stream_type(self, asked: HostedRequest) -> str:  # noqa: ARG002 - one protocol has two
        return self._stream_type

    def stream_writer(self, asked: HostedRequest, stamp: Stamp) -> StreamWriter:
        return self._stream_writer(asked, stamp)

    def error(self, error: LLMRingError) -> ErrorAnswer:
        return self._error(error)

    def models(self, names: Sequence[str], stamp: Stamp) -> bytes:
        return self._models(names, stamp)

    def token_count(self, tokens: int) -> bytes:
        return self._counted % tokens


def server_event(data: Any, name: str = "", *, end: bytes = b"\n") -> bytes:
    """Return a server-sent event; data that is not bytes yet is written as JSON."""
    written: bytes = data if isinstance(data, bytes) else msgspec.json.encode(data)
    head = b"event: " + name.encode() + end if name else b""
    return head + b"data: " + written + end + end
