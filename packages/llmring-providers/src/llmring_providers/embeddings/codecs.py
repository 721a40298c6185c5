"""Embedding requests and answers in the form of each vendor. Bytes in, bytes out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Protocol

import msgspec
from llmring_types.hosts import host_of

from llmring_providers._billing import count_of
from llmring_providers.embeddings.calls import (
    EmbeddingCall,
    EmbeddingLimits,
    Vectors,
    body_of,
    decoded,
    in_order,
)
from llmring_providers.google.models import model_of


class EmbeddingCodec(Protocol):
    """One vendor's form.

    Attributes:
        endpoint: below the base URL; ``{model}`` stands for Gemini's path of a model.
        limits: the size of one request.
    """

    endpoint: str
    limits: EmbeddingLimits

    def encode(self, call: EmbeddingCall) -> bytes:
        """Translate the call."""

    def decode(self, body: bytes, call: EmbeddingCall) -> Vectors:
        """Translate the answer.

        Raises:
            MalformedResponseError: it does not have one vector of the asked length for each text.
        """


class _Usage(msgspec.Struct):
    prompt_tokens: Any = None
    total_tokens: Any = None


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


class OpenAIEmbeddings:
    """``POST /embeddings``: 2,048 texts and 300,000 tokens at most.

    https://platform.openai.com/docs/api-reference/embeddings/create

    Args:
        encoding: ``base64``, a third of the bytes, where the host is known to have it; every answer is read.
    """

    endpoint = "/embeddings"
    limits = EmbeddingLimits(2048, 300_000)

    def __init__(self, encoding: Literal["base64", "float"] | None = None) -> None:
        self._encoding = encoding

    def encode(self, call: EmbeddingCall) -> bytes:
        return body_of(self._fields(call), call.extra_params)

    def _fields(self, call: EmbeddingCall) -> dict[str, Any]:
        return {
            "model": call.ref.model,
            "input": call.texts,
            "dimensions": call.dimensions,
            "encoding_format": self._encoding,
        }

    def decode(self, body: bytes, call: EmbeddingCall) -> Vectors:
        answer = decoded(body, _Answer, call.ref)
        rows = [(item.index, item.embedding) for item in answer.data]
        usage = answer.usage or _Usage()
        tokens = usage.total_tokens if usage.prompt_tokens is None else usage.prompt_tokens
        return Vectors(in_order(rows, call), count_of(tokens))


class VoyageEmbeddings(OpenAIEmbeddings):
    """1,000 texts; 120,000 tokens with the large models, which is the least of all limits. Never cut off silently.

    https://docs.voyageai.com/reference/embeddings-api
    """

    limits = EmbeddingLimits(1000, 120_000)

    def _fields(self, call: EmbeddingCall) -> dict[str, Any]:
        return {
            "model": call.ref.model,
            "input": call.texts,
            "input_type": call.purpose,
            "output_dimension": call.dimensions,
            "truncation": False,
            "encoding_format": "base64",
        }


class JinaEmbeddings(OpenAIEmbeddings):
    """The two ends of a search are tasks: https://jina.ai/embeddings/ and https://api.jina.ai/docs."""

    limits = EmbeddingLimits(512)
    _TASKS: Mapping[str, str] = MappingProxyType(
        {"document": "retrieval.passage", "query": "retrieval.query"}
    )

    def _fields(self, call: EmbeddingCall) -> dict[str, Any]:
        return {
            "model": call.ref.model,
            "input": call.texts,
            "task": self._TASKS.get(call.purpose or ""),
            "dimensions": call.dimensions,
            "embedding_type": "base64",
        }


class _CohereVectors(msgspec.Struct):
    float: list[list[float]]


class _CohereUnits(msgspec.Struct):
    input_tokens: Any = None


class _CohereMeta(msgspec.Struct):
    billed_units: _CohereUnits | None = None


class _CohereAnswer(msgspec.Struct):
    embeddings: _CohereVectors
    meta: _CohereMeta | None = None


class CohereEmbeddings:
    """``POST /v2/embed``: 96 texts at most, and a purpose that has to be named; texts are for an index unless said.

    https://docs.cohere.com/reference/embed
    """

    endpoint = "/v2/embed"
    limits = EmbeddingLimits(96)

    def encode(self, call: EmbeddingCall) -> bytes:
        fields = {
            "model": call.ref.model,
            "texts": call.texts,
            "input_type": f"search_{call.purpose or 'document'}",
            "embedding_types": ["float"],
            "output_dimension": call.dimensions,
            "truncate": "NONE",
        }
        return body_of(fields, call.extra_params)

    def decode(self, body: bytes, call: EmbeddingCall) -> Vectors:
        answer = decoded(body, _CohereAnswer, call.ref)
        units = answer.meta and answer.meta.billed_units
        tokens = count_of(units.input_tokens) if units else None
        return Vectors(in_order([(None, vector) for vector in answer.embeddings.float], call), tokens)


class _GeminiVector(msgspec.Struct):
    values: list[float]


class _GeminiUsage(msgspec.Struct):
    promptTokenCount: Any = None  # noqa: N815 - Google's name


class _GeminiAnswer(msgspec.Struct):
    embeddings: list[_GeminiVector]
    usageMetadata: _GeminiUsage | None = None  # noqa: N815 - Google's name


class GeminiEmbeddings:
    """``POST …:batchEmbedContents``, 100 texts at most: https://ai.google.dev/api/embeddings."""

    endpoint = "/v1beta/{model}:batchEmbedContents"
    limits = EmbeddingLimits(100)
    _TASKS: Mapping[str, str] = MappingProxyType(
        {"document": "RETRIEVAL_DOCUMENT", "query": "RETRIEVAL_QUERY"}
    )

    def encode(self, call: EmbeddingCall) -> bytes:
        request = {
            "model": model_of(call.ref.model).path,
            "taskType": self._TASKS.get(call.purpose or ""),
            "outputDimensionality": call.dimensions,
        }
        known = {name: value for name, value in request.items() if value is not None}
        requests = [
            {**known, "content": {"parts": [{"text": text}], "role": "user"}, **call.extra_params}
            for text in call.texts
        ]
        return msgspec.json.encode({"requests": requests})

    def decode(self, body: bytes, call: EmbeddingCall) -> Vectors:
        answer = decoded(body, _GeminiAnswer, call.ref)
        usage = answer.usageMetadata
        rows = [(None, vector.values) for vector in answer.embeddings]
        return Vectors(in_order(rows, call), None if usage is None else count_of(usage.promptTokenCount))


class _OllamaAnswer(msgspec.Struct):
    embeddings: list[list[float]]
    prompt_eval_count: Any = None


class OllamaEmbeddings:
    """``POST /api/embed``: https://docs.ollama.com/api/embed. The size of a batch is ours: it names none.

    It cuts long texts off by default, which would give the vector of another text: here that is an error.
    """

    endpoint = "/api/embed"
    limits = EmbeddingLimits(256)

    def encode(self, call: EmbeddingCall) -> bytes:
        fields = {
            "model": call.ref.model,
            "input": call.texts,
            "truncate": False,
            "dimensions": call.dimensions,
        }
        return body_of(fields, call.extra_params)

    def decode(self, body: bytes, call: EmbeddingCall) -> Vectors:
        answer = decoded(body, _OllamaAnswer, call.ref)
        tokens = count_of(answer.prompt_eval_count)
        return Vectors(in_order([(None, row) for row in answer.embeddings], call), tokens)


_CODECS: Mapping[str, EmbeddingCodec] = MappingProxyType(
    {
        "cohere": CohereEmbeddings(),
        "gemini": GeminiEmbeddings(),
        "jina": JinaEmbeddings(),
        "ollama": OllamaEmbeddings(),
        "openai": OpenAIEmbeddings("base64"),
        "openai-compatible": OpenAIEmbeddings(),
        "voyage": VoyageEmbeddings(),
    }
)
_SPEAKING = frozenset({"openai", "responses", "sim", "local"})


def embedding_codec(name: str) -> EmbeddingCodec | None:
    """Return the codec of a host; ``None`` where its protocol has no embeddings (Anthropic's)."""
    host = host_of(name)
    if host.embeddings is not None:
        return _CODECS[host.embeddings]
    if host.protocol in _SPEAKING:
        return _CODECS["openai" if host.is_vendor else "openai-compatible"]
    return _CODECS.get(host.protocol or "")


def address(base_url: str, endpoint: str, model: str) -> str:
    """Return the URL of an endpoint. Chat with Cohere goes by its OpenAI-compatible address, which is left here."""
    if endpoint.startswith("/v2/"):
        base_url = base_url.removesuffix("/compatibility/v1").removesuffix("/v2").removesuffix("/v1")
    return base_url + endpoint.replace("{model}", model_of(model).path)
