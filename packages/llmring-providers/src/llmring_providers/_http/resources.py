"""Models, files, batches, embeddings and rankings of an HTTP provider; codecs are loaded at their first use."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urljoin

import msgspec
from llmring_types import LLMRequest, LLMResponse, ModelFacts, ModelRef
from llmring_types.exceptions import LLMRingError, ModelCapabilityError, ProviderResponseError

from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_providers.transport._protocol import without_credentials

if TYPE_CHECKING:
    from llmring_providers._listing import Counting, Listing
    from llmring_providers.batches import BatchApi
    from llmring_providers.embeddings import EmbeddingCall, EmbeddingLimits, RankCall, Ranking, Vectors
    from llmring_providers.files import FileCodec, FileUpload, StoredFile

_OK = range(200, 300)
_MISSING = (404, 405)
_ABSENT = (404, 405, 501)
_FORGOTTEN = (403, 404, 410)
"""Gemini answers 403 for a file that it does not have, as for one of another project."""


class _Connected:
    """The connection of the class that has those below as its bases."""

    name: str
    base_url: str
    _headers: Mapping[str, str]
    _max_response_bytes: int | None

    def _addressed(self, call: ChatCall) -> ChatCall:
        raise NotImplementedError

    def _encode(self, call: ChatCall, *, stream: bool) -> tuple[ChatCall, WireRequest]:
        raise NotImplementedError

    def _decode(self, body: bytes, call: ChatCall, wire: WireRequest, request_id: str | None) -> LLMResponse:
        raise NotImplementedError

    def _request(self, wire: WireRequest, call: ChatCall) -> HttpRequest:
        raise NotImplementedError

    async def _fetch(self, request: HttpRequest, call: ChatCall) -> HttpResponse:
        raise NotImplementedError

    async def _accepted(self, request: HttpRequest, call: ChatCall) -> HttpResponse:
        raise NotImplementedError

    async def _open(self, request: HttpRequest, call: ChatCall) -> ByteStream:
        raise NotImplementedError

    def _rejection(self, reply: HttpResponse, call: ChatCall) -> LLMRingError:
        raise NotImplementedError

    def _nothing(self) -> ChatCall:
        return ChatCall(LLMRequest([]), ModelRef(self.name, ""))


class HttpFiles(_Connected):
    """Keeps files and runs batches."""

    def takes_file(self, media_type: str) -> bool:
        """Return whether a request may name an uploaded file of this type; if not, it goes inline."""
        from llmring_providers.files import file_codec  # noqa: PLC0415 - chat does without

        codec = file_codec(self.name)
        return codec is not None and codec.takes(media_type)

    async def upload_file(self, upload: "FileUpload") -> "StoredFile":
        """Upload a file.

        Raises:
            ModelCapabilityError: the provider keeps no files, or its base URL leads to a host without them.
            MalformedResponseError: the answer is not in the vendor's form.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._codec()
        reply = await self._exchanged(codec.upload(upload, self.base_url), codec)
        if reply.status in _ABSENT:
            raise self._without_files()
        self._checked(reply)
        following = codec.following(reply, upload, self.base_url)
        if following is not None:
            reply = self._checked(await self._exchanged(following, codec))
        return codec.decode(reply.body)

    async def get_file(self, file_id: str) -> "StoredFile | None":
        """Return what the provider says of a file; ``None`` if it has none of this id.

        Raises:
            ModelCapabilityError: the provider keeps no files.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._codec()
        reply = await self._exchanged(HttpRequest("GET", self.base_url + codec.path(file_id), {}), codec)
        return None if reply.status in _FORGOTTEN else codec.decode(self._checked(reply).body)

    async def delete_file(self, file_id: str) -> bool:
        """Delete a file; ``False`` if the provider has none of this id.

        Raises:
            ModelCapabilityError: the provider keeps no files.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._codec()
        reply = await self._exchanged(HttpRequest("DELETE", self.base_url + codec.path(file_id), {}), codec)
        if reply.status in _FORGOTTEN:
            return False
        self._checked(reply)
        return True

    async def list_files(self) -> "list[StoredFile]":
        """Return every file that the provider keeps for this key.

        Raises:
            ModelCapabilityError: the provider keeps no files, or its base URL leads to a host without them.
            ProviderError: it refused, or cannot be reached.
        """
        codec = self._codec()
        found: list[StoredFile] = []
        path: str | None = codec.listing
        seen = set[str]()
        while path is not None and path not in seen:
            seen.add(path)
            reply = await self._exchanged(HttpRequest("GET", self.base_url + path, {}), codec)
            if reply.status in _ABSENT:
                raise self._without_files()
            page = codec.page(self._checked(reply).body)
            found += page.files
            path = page.following
        return found

    def file_part(self, stored: "StoredFile", media_type: str, name: str) -> dict[str, Any]:
        """Return the part of a message that names the file."""
        return self._codec().part(stored, media_type, name)

    def batches(self) -> "BatchApi | None":
        """Return the provider's batch API; ``None`` where it has none."""
        from llmring_providers.batches import batch_codec  # noqa: PLC0415 - chat does without
        from llmring_providers.batches.http import Connection, HttpBatches  # noqa: PLC0415 - as above

        codec, limit, nothing = batch_codec(self.name), self._max_response_bytes, self._nothing()
        if codec is None:
            return None
        connection = Connection(
            name=self.name,
            limit=limit,
            address=self._addressed,
            encode=lambda call: self._encode(call, stream=False)[1],
            decode=self._decode,
            fetch=lambda request: self._fetch(self._below(request, limit), nothing),
            open=lambda request: self._open(self._below(request, request.max_response_bytes), nothing),
            rejection=self._rejection,
        )
        return HttpBatches(codec, connection, self.upload_file)

    def _below(self, request: HttpRequest, limit: int | None) -> HttpRequest:
        url, headers = self.base_url + request.url, {**self._headers, **request.headers}
        return request._replace(url=url, headers=headers, max_response_bytes=limit)

    def _codec(self) -> "FileCodec":
        from llmring_providers.files import file_codec  # noqa: PLC0415 - chat does without

        codec = file_codec(self.name)
        if codec is None:
            raise self._without_files()
        return codec

    def _without_files(self) -> ModelCapabilityError:
        return ModelCapabilityError(f"{self.name} keeps no files", provider=self.name)

    async def _exchanged(self, request: HttpRequest, codec: "FileCodec") -> HttpResponse:
        headers = {**self._headers, **codec.headers, **request.headers}
        whole = request._replace(headers=headers, max_response_bytes=self._max_response_bytes)
        return await self._fetch(whole, self._nothing())

    def _checked(self, reply: HttpResponse) -> HttpResponse:
        if reply.status // 100 != 2:  # noqa: PLR2004 - of HTTP
            raise self._rejection(reply, self._nothing())
        return reply


class HttpModels(_Connected):
    """Lists models and counts tokens."""

    _listing: "Listing | None"
    _counting: "Counting | None"

    async def models(self) -> list[ModelFacts]:
        """Ask the provider which models it offers to this key, with whatever else it says of them.

        Raises:
            ProviderError: it does not list any, or refused, or cannot be reached.
        """
        if self._listing is None:
            raise ProviderResponseError("this provider does not list its models", provider=self.name)
        from llmring_providers._listing import read_pages  # noqa: PLC0415 - seldom asked for

        found = await read_pages(self._listing, self._get, provider=self.name)
        return [
            facts if facts.provider == self.name else msgspec.structs.replace(facts, provider=self.name)
            for facts in found
        ]

    async def count_tokens(self, call: ChatCall) -> int:
        """Ask the provider how many input tokens the call has, as it would count them. Nothing is generated.

        Raises:
            ProviderError: it does not count, or refused, or cannot be reached.
        """
        if self._counting is None:
            raise ProviderResponseError("this provider does not count tokens", provider=self.name)
        wire = self._counting.encode(call)
        reply = await self._accepted(self._request(wire, call), call)
        return self._counting.decode(reply.body)

    async def _get(self, path: str) -> bytes:
        call = self._nothing()
        url = urljoin(f"{self.base_url}/", path.lstrip("/"))
        reply = await self._fetch(HttpRequest("GET", url, self._headers, b"", self._max_response_bytes), call)
        if reply.status in _MISSING:
            raise ProviderResponseError(
                f"{without_credentials(self.base_url)} has no list of models",
                provider=self.name,
                status_code=reply.status,
            )
        if reply.status not in _OK:
            raise self._rejection(reply, call)
        return reply.body


class HttpEmbedding(_Connected):
    """Embeds and reranks."""

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
