"""The part of the ring that embeds and reranks."""

from typing import TYPE_CHECKING

from llmring._aliases import Aliases
from llmring._chat import Chat
from llmring._routing import Router

if TYPE_CHECKING:
    from llmring_types import EmbeddingRequest, EmbeddingResponse, RerankRequest, RerankResponse


class EmbedsTexts:
    """Embeds texts and reranks documents."""

    _aliases: Aliases
    _router: Router
    _chat: Chat

    async def embed(self, request: "EmbeddingRequest", profile: str | None = None) -> "EmbeddingResponse":
        """Return the vectors of texts: ``await ring.embed(EmbeddingRequest(["a", "b"], model="docs-index"))``.

        Texts go out in batches of the size that the provider takes, several at a time. Another member of the pool is
        asked only where the lockfile locks dimensions for the alias and the same model for both members: other vectors
        cannot be compared with those of an index.

        Args:
            request: never changed.
            profile: the lockfile's profile; ``LLMRING_PROFILE``, then the lockfile's own default.

        Raises:
            AliasNotFoundError: the alias is not bound (also a ``ValueError``).
            ModelCapabilityError: the provider has no embeddings.
            MalformedResponseError: an answer does not have one vector of the right length for each text.
            ValidationError: the request asks for other dimensions than the lockfile locks (also a ``ValueError``).
            LLMRingError: whatever else went wrong, as from :meth:`chat`; no part of the answer is returned then.
        """
        from llmring.embeddings import Embedding  # noqa: PLC0415 - chat does without

        route = self._router.route(request.model, profile)
        return await Embedding(self._chat, route, self._aliases.lockfile.locked, request).answer()

    async def rerank(self, request: "RerankRequest", profile: str | None = None) -> "RerankResponse":
        """Return documents in the order of their relevance to a query, by a model of Cohere, Voyage or Jina.

        Args:
            request: never changed.
            profile: the lockfile's profile; ``LLMRING_PROFILE``, then the lockfile's own default.

        Raises:
            AliasNotFoundError: the alias is not bound (also a ``ValueError``).
            ModelCapabilityError: the provider does not rerank.
            MalformedResponseError: the answer does not rank the documents that were asked for.
            LLMRingError: whatever else went wrong, as from :meth:`chat`.
        """
        from llmring.embeddings import Reranking  # noqa: PLC0415 - chat does without

        return await Reranking(self._chat, self._router.route(request.model, profile), request).answer()
