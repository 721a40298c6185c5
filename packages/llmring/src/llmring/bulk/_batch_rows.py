"""Rows on their way into a batch: encoded by the adapter, named by a digest, and put aside without their texts."""

from collections.abc import Iterator
from copy import copy
from hashlib import blake2b
from tempfile import TemporaryFile
from typing import IO, NamedTuple, Protocol

import msgspec
from llmring_providers import ChatCall, WireRequest
from llmring_providers.batches import BatchApi, BatchLine, RunsBatches
from llmring_types import LLMRequest, ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    MessageValidationError,
    ModelCapabilityError,
    ValidationError,
)

from llmring._chat import Chat
from llmring._money.budgets import Reservation
from llmring._routing import Candidate, Route
from llmring.bulk._tasks import typed
from llmring.structured import Expectation, prepare

_DIGEST_BYTES = 16


class BatchRow(Protocol):
    """A row of a job."""

    @property
    def key(self) -> str:
        """Name of the row."""

    @property
    def request(self) -> LLMRequest:
        """The request to be sent."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All that reading an answer takes of a request. Rows that differ in their messages alone share one.

    Attributes:
        asked: the request, without its messages where nothing needs them.
        prepared: the same as the adapter got it.
        candidate: who was asked.
        route: as the request's model resolved.
        expectation: the JSON that is wanted.
        wire: the encoded request, without its body.
    """

    asked: LLMRequest
    prepared: LLMRequest
    candidate: Candidate
    route: Route
    expectation: Expectation | None
    wire: WireRequest

    @property
    def call(self) -> ChatCall:
        """The call, as far as the decoder needs it."""
        return ChatCall(self.prepared, self.candidate.ref, self.candidate.facts)


class Pending(msgspec.Struct, kw_only=True, eq=False):
    """A row that waits for its answer.

    Attributes:
        key: of the row.
        digest: of key, model and request as it is sent.
        shape: of the request.
        place: offset and length of its body in the spool.
        reservation: what is set aside for it, under a budget.
    """

    key: str
    digest: str
    shape: Shape
    place: tuple[int, int] = (0, 0)
    reservation: Reservation | None = None


class Encoded(NamedTuple):
    """A row as it waits for its answer, the body of its request, and the request with its files in it."""

    row: Pending
    body: bytes
    request: LLMRequest


class Encoder:
    """Encodes rows for batch APIs.

    Args:
        chat: what the calls of a ring share.
        profile: the lockfile's profile.
    """

    def __init__(self, chat: Chat, profile: str | None) -> None:
        self._chat = chat
        self._profile = profile
        self._last: Shape | None = None

    def api(self, provider: str) -> BatchApi | None:
        """Return the batch API of a provider, if it has one."""
        found: object = self._chat.providers[provider]
        return found.batches() if isinstance(found, RunsBatches) else None

    async def encode(self, key: str, request: LLMRequest) -> Encoded:
        """Return a row as it waits for its answer, and the body of its request.

        Raises:
            ModelCapabilityError: no model of the pool that can be used has a batch API.
            LLMRingError: the request cannot be sent, as :meth:`LLMRing.chat` says it.
        """
        if not isinstance(request, LLMRequest):
            raise ValidationError(
                f"a batch takes LLMRequests; got {type(request).__name__}", field="requests"
            )
        if not request.messages and not request.extra_params:  # which may name a stored prompt
            raise MessageValidationError("there are no messages to send: give at least one", field="messages")
        chat = self._chat
        if request.files:
            chat.files.check(request)
            try:
                request = await chat.files.inlined(request)
            except OSError as error:
                raise typed(error) from error
        route = chat.router.route(request.model, self._profile)
        if chat.screens:
            route = chat.screen(request, route)
        candidate, api = self._chosen(route)
        prepared, expectation = request, None
        if request.response_format is not None or request.json_response:
            prepared, expectation = prepare(request)
        wire = api.request(ChatCall(prepared, candidate.ref, candidate.facts))
        shape = Shape(
            asked=_stripped(request),
            prepared=_stripped(prepared),
            candidate=candidate,
            route=route,
            expectation=expectation,
            wire=msgspec.structs.replace(wire, body=b""),
        )
        if self._last is not None and _is_same(self._last, shape):
            shape = self._last
        self._last = shape
        digest = digest_of(key, candidate.ref, wire.path, wire.body)
        return Encoded(Pending(key=key, digest=digest, shape=shape), wire.body, request)

    def line(self, row: Pending, body: bytes, label: str) -> BatchLine:
        """Return a row's line in a batch."""
        shape = row.shape
        wire = msgspec.structs.replace(shape.wire, body=body)
        api = self.api(shape.candidate.ref.provider)
        if api is None:
            raise _without_batches(shape.route)
        return api.line(shape.call, wire, key_of(label, row.digest))

    def _chosen(self, route: Route) -> tuple[Candidate, BatchApi]:
        """Return the first member of the pool that can be used and has a batch API."""
        usable = [candidate for candidate in route.candidates if candidate.unusable is None]
        for candidate in usable:
            api = self.api(candidate.ref.provider)
            if api is not None:
                return candidate, api
        if not usable and route.candidates[0].unusable is not None:
            raise route.candidates[0].unusable
        raise _without_batches(route)


class Spool:
    """Bodies of requests on their way, in a file without a name: to be submitted again, without the memory."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._end = 0

    def add(self, body: bytes) -> tuple[int, int]:
        """Keep a body and return its place."""
        if self._file is None:
            self._file = TemporaryFile(prefix="llmring-")  # noqa: SIM115 - closed with the spool
        self._file.seek(self._end)
        self._file.write(body)
        place = (self._end, len(body))
        self._end += len(body)
        return place

    def read(self, place: tuple[int, int]) -> bytes:
        """Return the body at a place."""
        if self._file is None:
            return b""
        self._file.seek(place[0])
        return self._file.read(place[1])

    def close(self) -> None:
        """Delete the file."""
        if self._file is not None:
            self._file.close()


def digest_of(key: str, ref: ModelRef, path: str, body: bytes) -> str:
    """Return what an answer must name to be the answer to this row."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in (key.encode(errors="surrogatepass"), str(ref).encode(), path.encode(), body):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


def key_of(label: str, digest: str) -> str:
    """Return the key of a request in a batch."""
    return f"{label}-{digest}"


def digest_in(key: str, label: str) -> str | None:
    """Return the digest in the key of a result; ``None`` for one of another batch."""
    head, _, digest = key.rpartition("-")
    return digest if head == label else None


def _without_batches(route: Route) -> LLMRingError:
    ref = route.candidates[0].ref
    named = ", ".join(str(candidate.ref) for candidate in route.candidates)
    return ModelCapabilityError(
        f"no model of the pool can be asked by batch: {named}; OpenAI, Anthropic and Gemini have batch APIs",
        provider=ref.provider,
        model=ref.model,
    )


def _stripped(request: LLMRequest) -> LLMRequest:
    """Return the request without its messages, unless names of tools stand in them, which the decoder restores."""
    if any(message.tool_calls for message in request.messages):
        return request
    stripped = copy(request)
    stripped.messages = []
    return stripped


def _is_same(ours: Shape, theirs: Shape) -> bool:
    """Return whether two rows can share a shape: what is compared by identity must be one object."""
    return all(a == b for a, b in _compared(ours, theirs))


def _compared(ours: Shape, theirs: Shape) -> Iterator[tuple[object, object]]:
    yield ours.candidate, theirs.candidate
    yield ours.asked, theirs.asked
    yield ours.prepared, theirs.prepared
    yield ours.wire, theirs.wire
    yield ours.route.alias, theirs.route.alias
    yield ours.route.profile, theirs.route.profile
