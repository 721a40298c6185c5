"""Rerank requests and answers in the form of Cohere, Voyage and Jina. Bytes in, bytes out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
from llmring_types.hosts import host_of

from llmring_providers._billing import count_of
from llmring_providers.embeddings.calls import RankCall, Ranking, body_of, decoded, ranked


class RerankCodec(Protocol):
    """One vendor's form.

    Long lists are not divided, since scores of two requests cannot be compared: the vendor refuses what is too long.

    Attributes:
        endpoint: below the base URL.
    """

    endpoint: str

    def encode(self, call: RankCall) -> bytes:
        """Translate the call."""

    def decode(self, body: bytes, call: RankCall) -> Ranking:
        """Translate the answer.

        Raises:
            MalformedResponseError: it does not rank the documents that were asked for.
        """


class _Row(msgspec.Struct):
    index: int
    relevance_score: float


class _Usage(msgspec.Struct):
    total_tokens: Any = None


class _Answer(msgspec.Struct):
    results: list[_Row] = []
    data: list[_Row] = []
    usage: _Usage | None = None


class _Reranking:
    """The form that the three share: Voyage has ``data`` where the others have ``results``."""

    endpoint = "/rerank"
    _top = "top_n"
    _fixed: Mapping[str, object] = MappingProxyType({})

    def encode(self, call: RankCall) -> bytes:
        fields = {
            "model": call.ref.model,
            "query": call.query,
            "documents": call.documents,
            self._top: call.top_n,
            **self._fixed,
        }
        return body_of(fields, call.extra_params)

    def decode(self, body: bytes, call: RankCall) -> Ranking:
        answer = decoded(body, _Answer, call.ref)
        rows = [(row.index, row.relevance_score) for row in answer.results or answer.data]
        return Ranking(
            ranked(rows, call), None if answer.usage is None else count_of(answer.usage.total_tokens)
        )


class CohereReranking(_Reranking):
    """https://docs.cohere.com/reference/rerank: billed by searches, so no tokens are counted."""

    endpoint = "/v2/rerank"


class VoyageReranking(_Reranking):
    """https://docs.voyageai.com/reference/reranker-api. Documents are never cut off silently."""

    _top = "top_k"
    _fixed: Mapping[str, object] = MappingProxyType({"truncation": False})


class JinaReranking(_Reranking):
    """https://jina.ai/reranker/: documents come back only on demand."""

    _fixed: Mapping[str, object] = MappingProxyType({"return_documents": False})


_CODECS: Mapping[str, RerankCodec] = MappingProxyType(
    {"cohere": CohereReranking(), "jina": JinaReranking(), "voyage": VoyageReranking()}
)


def rerank_codec(name: str) -> RerankCodec | None:
    """Return the codec of a host; ``None`` where it does not rerank."""
    return _CODECS.get(host_of(name).embeddings or "")
