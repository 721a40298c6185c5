"""Gemini as a provider: its adapter, its count of tokens, its list of models."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from llmring_types import LLMResponse, ModelFacts
from llmring_types.exceptions import LLMRingError, MalformedResponseError, MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._fit.names import restored, restoring
from llmring_providers._http.provider import HttpProvider
from llmring_providers._json import DECODE_ERRORS, reread
from llmring_providers._listing import Page, malformed_listing, no_count
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers._settings import AwaitedKeySource, ProviderSettings, plain_key
from llmring_providers.google import errors, request, response
from llmring_providers.google.models import NAMES
from llmring_providers.google.stream import GenerateStreamDecoder

API_VERSION = "v1beta"
"""The version with everything that is documented: https://ai.google.dev/gemini-api/docs/api-versions"""
_VERSIONED = re.compile(r"(?P<host>.*)/(?P<version>v\d+(?:(?:alpha|beta)\d*)?)")


class GoogleAdapter:
    """``generateContent`` and ``streamGenerateContent``. Paths begin below the version of the API."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": api_key} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
        try:
            answer = response.decode(body, call, wire)
        except MalformedResponseError as error:
            answer = reread(
                error,
                lambda data: response.decode(data, call, wire),
                lambda: GenerateStreamDecoder(call, wire),
                body,
                call,
            )
        return restored(answer, call, NAMES) if answer.tool_calls else answer

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:
        decoder = GenerateStreamDecoder(call, wire)
        return restoring(decoder, call, NAMES) if call.request.tools else decoder

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: int


class GoogleCounting:
    """``POST models/MODEL:countTokens``, with the whole request, so that system text and tools are counted too.

    https://ai.google.dev/api/tokens
    """

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(call, stream=False)
        path = wire.path.removesuffix(":generateContent")
        fields = msgspec.json.decode(wire.body, type=dict[str, msgspec.Raw])
        model = path.removeprefix("/")
        body = msgspec.json.encode({"generateContentRequest": {"model": model, **fields}})
        return WireRequest(
            path=f"{path}:countTokens", body=body, headers=wire.headers, warnings=wire.warnings
        )

    def decode(self, body: bytes) -> int:
        try:
            return msgspec.json.decode(body, type=_Count, strict=False).total_tokens
        except DECODE_ERRORS as error:
            raise no_count("google", error) from error


class _Model(msgspec.Struct, rename="camel"):
    name: str
    display_name: str | None = None
    input_token_limit: int | None = None
    output_token_limit: int | None = None
    supported_generation_methods: list[str] = msgspec.field(default_factory=list)


class _Models(msgspec.Struct, rename="camel"):
    models: list[_Model] = msgspec.field(default_factory=list)
    next_page_token: str | None = None


class GoogleListing:
    """``GET models``, in pages of a thousand; those that do not generate content (embeddings, say) are left out.

    https://ai.google.dev/api/models#method:-models.list
    """

    path = "/models?pageSize=1000"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("google", error) from error
        token = page.next_page_token
        return Page(
            [
                _facts(model)
                for model in page.models
                if "generateContent" in model.supported_generation_methods
            ],
            f"{self.path}&pageToken={quote(token, safe='')}" if token else None,
        )


def _facts(model: _Model) -> ModelFacts:
    return ModelFacts(
        provider="google",
        model=model.name.removeprefix("models/"),
        display_name=model.display_name,
        context_window=model.input_token_limit or None,
        max_output_tokens=model.output_token_limit or None,
        active=True,
    )


class GoogleProvider(HttpProvider):
    """Gemini over HTTP."""

    async def close_client(self, client: Any) -> None:
        client.close()  # one SDK client holds two: the synchronous one and the one below ``aio``
        await client.aio.aclose()


def create(settings: ProviderSettings) -> GoogleProvider:
    """Build the provider; without a base URL it speaks to the Gemini API itself.

    A base URL may name the version of the API (``https://host/v1``); otherwise it is ``v1beta``.
    """
    if host_of(settings.name).cloud == "vertex":
        from llmring_providers.google.vertex import create_vertex  # noqa: PLC0415 - for one host

        return create_vertex(settings)
    base_url = settings.address("gemini").rstrip("/")
    if _VERSIONED.fullmatch(base_url) is None:
        base_url = f"{base_url}/{API_VERSION}"
    return GoogleProvider.from_settings(
        settings,
        adapter=GoogleAdapter(),
        base_url=base_url,
        client_factory=build_client,
        sdk="llmring_providers.google.sdk",
        listing=GoogleListing(),
        counting=GoogleCounting(),
    )


def build_client(*, api_key: str | AwaitedKeySource, base_url: str) -> Any:
    """Return a ``google.genai.Client``; its asynchronous half is ``client.aio``.

    Raises:
        MissingSDKError: ``google-genai`` is not installed.
    """
    try:
        from google import genai  # noqa: PLC0415 - nearly a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Gemini needs its SDK: pip install 'llmring[google]'", original=error
        ) from error
    named = _VERSIONED.fullmatch(base_url)
    host, version = (named["host"], named["version"]) if named else (base_url, API_VERSION)
    return genai.Client(
        api_key=plain_key(api_key, "google"),
        vertexai=False,  # otherwise the environment decides
        http_options=genai.types.HttpOptions(base_url=host, api_version=version),
    )
