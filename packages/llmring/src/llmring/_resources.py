"""The parts of the ring that embed and rerank, and that register files."""

from os import PathLike
from typing import TYPE_CHECKING

from llmring._aliases import Aliases
from llmring._chat import Chat
from llmring._routing import Router

if TYPE_CHECKING:
    from llmring_types import EmbeddingRequest, EmbeddingResponse, RerankRequest, RerankResponse

    from llmring.files import RegisteredFile


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


class ListsFiles:
    """Registers files, for :attr:`LLMRequest.files`, and lists them; without ``await``."""

    _chat: Chat

    def register_file(self, path: str | PathLike[str], file_id: str | None = None) -> str:
        """Register a file and return its id: ``LLMRequest(messages, files=[ring.register_file("report.pdf")])``.

        Nothing is sent yet. A call uploads the file to the provider that it asks, unless the same content is there
        already; it is hashed again at each use, and a changed one is uploaded anew, the old copy deleted. OpenAI gets
        PDF files so, Anthropic PDF, plain text and images, Gemini whatever it reads; everything else, and whatever goes
        to other providers, is sent inline. The time for an upload counts towards the timeout of the attempt.

        Args:
            path: of a file that can be read. It may be registered more than once.
            file_id: an id of your own; one that is taken then means this file.

        Raises:
            FileNotFoundError: no such file; other ``OSError`` where it cannot be read.
        """
        return self._chat.files.register(path, file_id)

    def list_registered_files(self) -> "list[RegisteredFile]":
        """Return the registered files with their copies at providers, oldest first. Nothing is sent."""
        return self._chat.files.shown()


class RegistersFiles(ListsFiles):
    """Registers files, and deletes what providers keep of them."""

    async def deregister_file(self, file_id: str) -> bool:
        """Forget a file and delete its copies at all providers; ``False`` if it is not registered.

        A copy that cannot be deleted is logged as a warning. One whose content is registered under another id too
        stays. Files that were not deregistered stay at their providers: ``llmring files list`` shows them.
        """
        return await self._chat.files.deregister(file_id)
