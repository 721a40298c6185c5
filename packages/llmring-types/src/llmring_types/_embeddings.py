"""Texts as vectors, and documents in the order of their relevance: requests and responses."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from llmring_types._response import Attempt, Usage
from llmring_types.exceptions import ConfigurationError, ValidationError

Purpose = Literal["document", "query"]
"""The role of a text in a search: what is found, or what is asked."""


class EmbeddingRequest(msgspec.Struct, omit_defaults=True):
    """A request for the vectors of texts. It is mutable, and the library never changes it.

    Attributes:
        input: the texts, at least one, none empty; any number, since they are sent in batches. One text may be given
            as it is.
        model: an alias (``"docs-index"``), ``package:alias`` or ``provider:model``; ``None`` uses the alias
            ``default``.
        dimensions: the length of the vectors; ``None`` takes what the lockfile locks for the alias, else the model's
            own.
        purpose: the role of the texts in a search. Voyage, Cohere, Jina and Gemini embed the two differently; the
            other providers know no such difference, and it is not sent.
        metadata: yours: logged with the call, never sent to a provider.
        timeout: seconds for one attempt at a batch; absent inherits the ring's, ``None`` waits for ever.
        extra_params: merged last into the provider's request body.

    Raises:
        ValidationError: a value that no provider could take (also a ``ValueError``).
    """

    input: list[str] | str
    model: str | None = None
    dimensions: int | None = None
    purpose: Purpose | None = None
    metadata: dict[str, Any] | None = None
    timeout: float | UnsetType | None = UNSET
    extra_params: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _texts("input", self.texts)
        _positive("dimensions", self.dimensions)
        if self.purpose not in (None, "document", "query"):
            raise ValidationError(
                f"purpose must be 'document' or 'query'; got {self.purpose!r}", field="purpose"
            )

    @property
    def texts(self) -> list[str]:
        """The texts, also where one was given as it is."""
        return [self.input] if isinstance(self.input, str) else self.input


class EmbeddingResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The vectors of texts.

    Attributes:
        embeddings: one vector for each text, in the order of the request.
        model: always ``provider:model``, the pool member that answered.
        usage: tokens and cost of all batches; ``None`` where a provider reported nothing.
        attempts: of all batches, in the order of the batches.
        warnings: what was dropped or lost on the way, one sentence each.
    """

    embeddings: list[list[float]]
    model: str
    usage: Usage | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)

    @property
    def dimensions(self) -> int:
        """The length of the vectors."""
        return len(self.embeddings[0]) if self.embeddings else 0

    def array(self) -> Any:
        """Return the vectors as one ``numpy.ndarray`` of 32-bit floats, a row for each text.

        Raises:
            ConfigurationError: numpy is not installed.
        """
        try:
            numpy = import_module("numpy")
        except ImportError as error:
            raise ConfigurationError("an array needs numpy: pip install numpy", original=error) from error
        return numpy.asarray(self.embeddings, dtype=numpy.float32)


class RerankRequest(msgspec.Struct, omit_defaults=True):
    """A request to order documents by their relevance to a query.

    Attributes:
        query: the question.
        documents: the texts, at least one, none empty.
        model: an alias, ``package:alias`` or ``provider:model``; ``None`` uses the alias ``default``.
        top_n: how many of the best to return; ``None`` for all.
        metadata: yours: logged with the call, never sent to a provider.
        timeout: seconds for one attempt; absent inherits the ring's, ``None`` waits for ever.
        extra_params: merged last into the provider's request body.

    Raises:
        ValidationError: a value that no provider could take (also a ``ValueError``).
    """

    query: str
    documents: list[str]
    model: str | None = None
    top_n: int | None = None
    metadata: dict[str, Any] | None = None
    timeout: float | UnsetType | None = UNSET
    extra_params: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _texts("query", [self.query])
        _texts("documents", self.documents)
        _positive("top_n", self.top_n)


class RankedDocument(msgspec.Struct, frozen=True):
    """A document and its relevance.

    Attributes:
        index: its place in the request.
        score: the greater, the more relevant; comparable within one response only.
        document: the text.
    """

    index: int
    score: float
    document: str


class RerankResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Documents in the order of their relevance.

    Attributes:
        results: the best first.
        model: always ``provider:model``, the pool member that answered.
        usage: tokens and cost; ``None`` where the provider counts none.
        attempts: every pool member tried or skipped, in order; the last one answered.
        warnings: what was dropped or lost on the way, one sentence each.
    """

    results: list[RankedDocument]
    model: str
    usage: Usage | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)


def _texts(name: str, value: object) -> None:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValidationError(f"{name} must be a list of texts; got {type(value).__name__}", field=name)
    if not value:
        raise ValidationError(f"{name} is empty: give at least one text", field=name)
    for index, text in enumerate(value):
        if not isinstance(text, str):
            raise ValidationError(f"{name}[{index}] must be a text; got {type(text).__name__}", field=name)
        if not text:
            raise ValidationError(f"{name}[{index}] is empty: no provider embeds an empty text", field=name)


def _positive(name: str, value: object) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValidationError(
            f"{name} must be an integer above 0, or None; got {value!r:.40}", field=name, value=value
        )
