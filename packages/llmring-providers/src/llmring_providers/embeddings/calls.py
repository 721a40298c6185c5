"""Calls that embed or rerank, their answers, and the checks that every answer passes."""

import base64
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from sys import byteorder
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._json import DECODE_ERRORS

T = TypeVar("T")
_FLOAT_BYTES = 4


class EmbeddingCall(NamedTuple):
    """One batch of texts for one model.

    Attributes:
        texts: no more than the codec's limit.
        ref: the model to call.
        dimensions: the length of the vectors; ``None`` for the model's own.
        purpose: ``document`` or ``query``.
        extra_params: merged last into the body.
    """

    texts: Sequence[str]
    ref: ModelRef
    dimensions: int | None = None
    purpose: str | None = None
    extra_params: Mapping[str, Any] = {}


class EmbeddingLimits(NamedTuple):
    """The size of one request.

    Attributes:
        texts: the largest number of texts.
        tokens: the largest number of tokens of all texts together; ``None`` for no limit but the model's.
    """

    texts: int
    tokens: int | None = None


class Vectors(NamedTuple):
    """The answer to a batch.

    Attributes:
        embeddings: one for each text, in the order of the call.
        tokens: as the provider counted them; ``None`` where it did not.
    """

    embeddings: list[list[float]]
    tokens: int | None = None


@runtime_checkable
class Embeds(Protocol):
    """A provider that embeds texts; it need not."""

    def embedding_limits(self) -> EmbeddingLimits | None:
        """Return how much one call may embed; ``None`` where the provider has no embeddings after all."""

    async def embed(self, call: EmbeddingCall) -> Vectors:
        """Return the vectors of one batch of texts.

        Raises:
            LLMRingError: of the type that says whether another try may help.
        """


class RankCall(NamedTuple):
    """A query and the documents to order, for one model."""

    query: str
    documents: Sequence[str]
    ref: ModelRef
    top_n: int | None = None
    extra_params: Mapping[str, Any] = {}


class Ranking(NamedTuple):
    """The answer to a rerank call: the places of documents with their scores, the best first."""

    scores: list[tuple[int, float]]
    tokens: int | None = None


@runtime_checkable
class Reranks(Protocol):
    """A provider that reranks; it need not."""

    def reranks(self) -> bool:
        """Return whether it does so after all."""

    async def rerank(self, call: RankCall) -> Ranking:
        """Return documents in the order of their relevance.

        Raises:
            LLMRingError: of the type that says whether another try may help.
        """


def body_of(fields: Mapping[str, Any], extra: Mapping[str, Any]) -> bytes:
    """Return the JSON body of a request, without the fields that are ``None``."""
    return msgspec.json.encode({**{name: it for name, it in fields.items() if it is not None}, **extra})


def decoded(body: bytes, shape: type[T], ref: ModelRef) -> T:
    """Read an answer.

    Raises:
        MalformedResponseError: it is not of this shape.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except DECODE_ERRORS as error:
        raise malformed(ref, f"it is not what the protocol says: {error}", error) from error


def malformed(ref: ModelRef, reason: str, original: Exception | None = None) -> MalformedResponseError:
    return MalformedResponseError(
        f"the answer of {ref} cannot be used: {reason}",
        provider=ref.provider,
        model=ref.model,
        original=original,
    )


def in_order(rows: Sequence[tuple[int | None, list[float] | str]], call: EmbeddingCall) -> list[list[float]]:
    """Return the vectors in the order of the texts.

    Args:
        rows: each with its index, where the protocol has one; a text is base64 of little-endian 32-bit floats.
        call: says how many there must be, and of which length.

    Raises:
        MalformedResponseError: there is another number of vectors, one is missing or there twice, or a length differs.
    """
    ref, wanted = call.ref, len(call.texts)
    if len(rows) != wanted:
        raise malformed(ref, f"it has {len(rows)} vectors for {wanted} texts")
    placed: dict[int, list[float]] = {}
    for place, (index, vector) in enumerate(rows):
        placed[place if index is None else index] = (
            _floats(vector, ref) if isinstance(vector, str) else vector
        )
    if placed.keys() != set(range(wanted)):
        raise malformed(ref, "its vectors do not say which text each is of")
    vectors = [placed[place] for place in range(wanted)]
    length = call.dimensions or len(vectors[0])
    for vector in vectors:
        if len(vector) != length or not length:
            raise malformed(ref, f"it has a vector of {len(vector)} dimensions instead of {length}")
    return vectors


def _floats(text: str, ref: ModelRef) -> list[float]:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise malformed(ref, f"a vector is no base64: {error}", error) from error
    if len(data) % _FLOAT_BYTES:
        raise malformed(ref, f"a vector has {len(data)} bytes, which are no 32-bit floats")
    numbers = array("f", data)
    if byteorder == "big":
        numbers.byteswap()
    if not all(map(math.isfinite, numbers)):
        raise malformed(ref, "a vector has a number that is not finite")
    return numbers.tolist()


def ranked(rows: Iterable[tuple[int, float]], call: RankCall) -> list[tuple[int, float]]:
    """Return the scores, the best first.

    Raises:
        MalformedResponseError: another number of documents than asked for, or one that is not in the call or twice.
    """
    scores = sorted(rows, key=lambda row: (-row[1], row[0]))
    wanted = min(call.top_n or len(call.documents), len(call.documents))
    places = {index for index, _ in scores}
    if len(scores) != wanted or len(places) != wanted or not places <= set(range(len(call.documents))):
        raise malformed(
            call.ref, f"it ranks {len(scores)} documents ({len(places)} different) instead of {wanted}"
        )
    return scores
