"""An adapter and a transport make a provider."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from llmring_types import LLMResponse
from llmring_types.exceptions import LLMRingError, ProviderError
from llmring_types.hosts import host_of
from msgspec import UNSET

from llmring_providers._http.replies import (
    HttpStream,
    blotted,
    rate_limits,
    redirection,
    request_id,
    unanswered,
    whole,
    without_key,
)
from llmring_providers._http.resources import HttpEmbedding, HttpFiles, HttpModels
from llmring_providers._protocol import (
    Adapter,
    ChatCall,
    EncodedCall,
    Fingerprint,
    OutputBounds,
    WireRequest,
)
from llmring_providers._settings import ClientFactory, KeySource, ProviderSettings
from llmring_providers.transport import (
    MAX_RESPONSE_BYTES,
    ByteStream,
    HttpRequest,
    HttpResponse,
    LoopbackOnly,
    ResponseTooLargeError,
    Transport,
    TransportError,
)
from llmring_providers.transport._network import diversions
from llmring_providers.transport._protocol import without_credentials

if TYPE_CHECKING:
    from llmring_providers._http.keys import ExpiringKey
    from llmring_providers._listing import Counting, Listing

_OK = range(200, 300)


class HttpProvider(HttpModels, HttpEmbedding, HttpFiles):
    """A provider that answers over HTTP.

    Args:
        name: the first half of references to its models.
        adapter: its protocol.
        transport: moves the bytes; shared between providers, so not closed here.
        base_url: where the adapter's paths begin.
        api_key: may be empty for a provider that needs none; or a function that returns it, async or not.
        client_factory: builds the SDK client for raw access.
        client: the user's own SDK client, where the transport goes through it; it is never closed here.
        listing: how models are listed; ``None`` where the provider does not list any.
        counting: how tokens are counted; ``None`` where the provider does not count them.
        max_response_bytes: the limit on the size of an answer, where the request has none of its own.
    """

    def __init__(
        self,
        name: str,
        *,
        adapter: Adapter,
        transport: Transport,
        base_url: str,
        api_key: str | KeySource = "",
        client_factory: ClientFactory | None = None,
        client: Any = None,
        listing: "Listing | None" = None,
        counting: "Counting | None" = None,
        max_response_bytes: int | None = MAX_RESPONSE_BYTES,
    ) -> None:
        self.name = name
        self._max_response_bytes = max_response_bytes
        self.base_url = base_url.rstrip("/")
        self._host = urlsplit(self.base_url).netloc.rpartition("@")[2].lower() or None
        self._quirks = host_of(name).quirks
        self._adapter = adapter
        self._listing = listing
        self._counting = counting
        self._transport = transport
        self._api_key = api_key if isinstance(api_key, str) else ""
        self._expiring: ExpiringKey | None = None
        if not isinstance(api_key, str):
            from llmring_providers._http.keys import authenticated  # noqa: PLC0415 - few keys expire

            self._transport, self._expiring = authenticated(transport, api_key, name, adapter.auth_headers)
        own = adapter.auth_headers(self._api_key)
        self._headers: Mapping[str, str] = {"content-type": "application/json", **own}
        self._client_factory = client_factory
        self._client: Any = client
        self._client_is_given = client is not None

    @classmethod
    def from_settings(
        cls,
        settings: ProviderSettings,
        *,
        adapter: Adapter,
        base_url: str,
        client_factory: ClientFactory,
        sdk: str,
        listing: "Listing | None" = None,
        counting: "Counting | None" = None,
    ) -> Self:
        """Build a provider of one's own keys and connections, or one around the SDK client that the settings bring.

        Args:
            settings: as they were given.
            adapter: the provider's protocol.
            base_url: where the adapter's paths begin, without an SDK client.
            client_factory: builds the SDK client for raw access.
            sdk: the module whose ``transport_through`` makes a transport out of an SDK client.
            listing: how models are listed.
            counting: how tokens are counted.

        Raises:
            ConfigurationError: the client is of the wrong kind.
        """
        if settings.client is None:
            return cls(
                settings.name,
                adapter=adapter,
                transport=settings.transport,
                base_url=base_url,
                api_key=settings.api_key,
                client_factory=client_factory,
                listing=listing,
                counting=counting,
                max_response_bytes=settings.max_response_bytes,
            )
        through = import_module(sdk).transport_through(settings.client)
        return cls(
            settings.name,
            adapter=adapter,
            transport=LoopbackOnly(through) if settings.loopback_only else through,
            base_url=through.base_url,
            client=settings.client,
            listing=listing,
            counting=counting,
            max_response_bytes=settings.max_response_bytes,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, base_url={without_credentials(self.base_url)!r})"

    @property
    def client(self) -> Any:
        """The vendor's async SDK client: the one that was given, or one of the same key and URL, made at its first use.

        Raises:
            MissingSDKError: the SDK is not installed; the text names the extra that brings it.
        """
        if self._client is None:
            if self._client_factory is None:
                raise AttributeError(f"provider {self.name!r} has no SDK client")
            key = self._api_key if self._expiring is None else self._expiring.get
            self._client = self._client_factory(api_key=key, base_url=self.base_url)
        return self._client

    def secrets(self) -> frozenset[str]:
        """Return the keys that this provider sends, which no output may show."""
        seen = () if self._expiring is None else self._expiring.seen
        return frozenset({self._key(), *seen} - {""})

    async def chat(self, call: ChatCall) -> LLMResponse:
        call, wire = self._encode(call, stream=False)
        transport = self._carrier() if diversions else self._transport
        try:
            reply = await transport.send(self._request(wire, call))
        except TransportError as error:
            raise self._unanswered(error, call) from error
        if reply.status not in _OK:
            raise self._rejection(reply, call)
        response = self._decode(reply.body, call, wire, self._request_id(reply.headers))
        response.rate_limits = rate_limits(reply.headers, self._quirks)
        return response

    async def stream(self, call: ChatCall) -> HttpStream:
        call, wire = self._encode(call, stream=True)
        reply = await self._open(self._request(wire, call), call)
        return HttpStream(reply, self._adapter.stream_decoder(call, wire), call, wire, self._key())

    def fingerprint(self, call: ChatCall) -> Fingerprint:
        """Return what distinguishes this call from others: the address and the body of its request, without any key."""
        call, wire = self._encode(call, stream=False)
        content = f"{without_credentials(self.base_url)}{wire.path}\n".encode() + wire.body
        return Fingerprint(content, EncodedCall(self, call, wire))

    def output_bounds(self, call: ChatCall) -> OutputBounds:
        """Return how much the request for this call lets the model write."""
        from llmring_providers._fit.models import output_bounds  # noqa: PLC0415 - only budgets ask

        call, wire = self._encode(call, stream=call.progress is not None)
        limit, answers = output_bounds(wire.body)
        return OutputBounds(limit, answers, EncodedCall(self, call, wire))

    async def aclose(self) -> None:
        if self._client_is_given:
            await self._transport.aclose()  # made for this client, so nobody else's
            return
        client, self._client = self._client, None
        if client is not None:
            await self.close_client(client)

    async def close_client(self, client: Any) -> None:
        """Close an SDK client that was built for raw access."""
        await client.close()

    def _addressed(self, call: ChatCall) -> ChatCall:
        return ChatCall(call.request, call.ref, call.facts, call.progress, self._host, self._quirks)

    def _encode(self, call: ChatCall, *, stream: bool) -> tuple[ChatCall, WireRequest]:
        """Return the call for this host, and its request."""
        given = call.encoded
        if given is not None and (wire := given.wire_of(self, call)) is not None:
            return given.call, wire
        call = self._addressed(call)
        return call, self._adapter.encode(call, stream=stream)

    def _decode(self, body: bytes, call: ChatCall, wire: WireRequest, request_id: str | None) -> LLMResponse:
        try:
            response = self._adapter.decode(body, call, wire)
        except ProviderError as error:
            error.request_id = error.request_id or request_id
            raise without_key(error, self._key()) from error.original
        response.request_id = request_id or response.request_id
        response.warnings = [*wire.warnings, *response.warnings]
        return response

    def _request(self, wire: WireRequest, call: ChatCall) -> HttpRequest:
        headers = {**self._headers, **wire.headers} if wire.headers else self._headers
        limit = call.request.max_response_bytes
        bytes_taken = self._max_response_bytes if limit is UNSET else limit
        url = self.base_url + wire.path
        url = self._placed(url, call.ref.model) if self._places else url
        return HttpRequest("POST", url, headers, wire.body, bytes_taken)

    def _request_id(self, headers: Mapping[str, str]) -> str | None:
        found = request_id(headers)
        return found and blotted(found, self._key())

    def _carrier(self) -> Transport:
        """Return what requests go through: the provider's transport, unless they are diverted."""
        if not diversions:
            return self._transport
        return diversions[-1].through(self._transport, provider=self.name, secret=self._key())

    def _key(self) -> str:
        """Return the key that is shown, ours or that of the SDK client; empty where none is to be seen."""
        if self._expiring is not None:
            return self._expiring.seen[-1] if self._expiring.seen else ""
        key = self._api_key or getattr(self._client, "api_key", None)
        return key if isinstance(key, str) else ""

    async def _accepted(self, request: HttpRequest, call: ChatCall) -> HttpResponse:
        reply = await self._fetch(request, call)
        if reply.status not in _OK:
            raise self._rejection(reply, call)
        return reply

    async def _open(self, request: HttpRequest, call: ChatCall) -> ByteStream:
        try:
            reply = await self._carrier().open(request)
        except TransportError as error:
            raise self._unanswered(error, call) from error
        if reply.status not in _OK:
            raise self._rejection(await whole(reply), call)
        return reply

    async def _fetch(self, request: HttpRequest, call: ChatCall) -> HttpResponse:
        try:
            return await self._carrier().send(request)
        except TransportError as error:
            raise self._unanswered(error, call) from error

    def _rejection(self, reply: HttpResponse, call: ChatCall) -> LLMRingError:
        body = redirection(reply, self.base_url) or reply.body
        error = self._adapter.error(reply.status, reply.headers, body, call)
        return without_key(error, self._key())

    def _unanswered(self, error: TransportError, call: ChatCall) -> LLMRingError:
        if isinstance(error, ResponseTooLargeError) and error.status not in _OK:  # the status says more
            return self._rejection(HttpResponse(error.status, error.headers, b""), call)
        return unanswered(error, call, self.base_url)
