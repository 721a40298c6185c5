"""The part of an HTTP provider that embeds and reranks. The codecs are loaded when they are first needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from llmring_types import LLMRequest, ModelRef
from llmring_types.exceptions import ModelCapabilityError

from llmring_providers._protocol import ChatCall
from llmring_providers.transport import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from llmring_providers.embeddings import EmbeddingCall, EmbeddingLimits, RankCall, Ranking, Vectors


class HttpEmbedding:
    """Embeds and reranks over the connection of the class that has it as a base."""

    name: str
    base_url: str
    _headers: Mapping[str, str]
    _max_response_bytes: int | None

    def embedding_limits(self) -> "EmbeddingLimits | None":
        """Return how much one call may embed; ``None`` where the provider has no embeddings."""
        from llmring_providers.embeddings import embedding_codec  # noqa: PLC0415 - chat does without

        codec = embedding_codec(self.name)
        return None if codec is None else codec.limits

    async def embed(self, call: "EmbeddingCall") -> "Vectors":
        """Return the vectors of one batch of texts.

        Raises:
            ModelCapabilityError: the provider has no embeddings.
            MalformedResponseError: the answer does not have one vector for each text.
            ProviderError: it refused, or cannot be reached.
        """
        from llmring_providers.embeddings import embedding_codec  # noqa: PLC0415 - as above

        codec = embedding_codec(self.name)
        if codec is None:
            raise self._lacking("has no embeddings", call.ref)
        body = await self._posted(codec.endpoint, codec.encode(call), call.ref)
        return codec.decode(body, call)

    def reranks(self) -> bool:
        """Return whether the provider reranks."""
        from llmring_providers.embeddings import rerank_codec  # noqa: PLC0415 - as above

        return rerank_codec(self.name) is not None

    async def rerank(self, call: "RankCall") -> "Ranking":
        """Return documents in the order of their relevance.

        Raises:
            ModelCapabilityError: the provider does not rerank.
            MalformedResponseError: the answer does not rank the documents of the call.
            ProviderError: it refused, or cannot be reached.
        """
        from llmring_providers.embeddings import rerank_codec  # noqa: PLC0415 - as above

        codec = rerank_codec(self.name)
        if codec is None:
            raise self._lacking("does not rerank", call.ref)
        body = await self._posted(codec.endpoint, codec.encode(call), call.ref)
        return codec.decode(body, call)

    def _lacking(self, what: str, ref: ModelRef) -> ModelCapabilityError:
        return ModelCapabilityError(f"{self.name} {what}", provider=self.name, model=ref.model)

    async def _posted(self, endpoint: str, body: bytes, ref: ModelRef) -> bytes:
        from llmring_providers.embeddings import address  # noqa: PLC0415 - as above

        url = self._placed(address(self.base_url, endpoint, ref.model), ref.model)
        request = HttpRequest("POST", url, self._headers, body, self._max_response_bytes)
        return (await self._accepted(request, ChatCall(LLMRequest([]), ref))).body

    _places: ClassVar[bool] = False
    """True for clouds that have the model in every path."""

    def _placed(self, url: str, model: str) -> str:  # noqa: ARG002 - for those
        """Return the URL to which a request for a model goes."""
        return url

    async def _accepted(self, request: HttpRequest, call: ChatCall) -> HttpResponse:
        raise NotImplementedError
