"""Gemini on Vertex AI: models below their publisher, access tokens, and a count of its own."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import MissingSDKError

from llmring_providers._listing import with_fields
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers._settings import AwaitedKeySource, KeySource, ProviderSettings, plain_key
from llmring_providers._vertex import Place, bearer, vertex_address, vertex_listing, with_credentials
from llmring_providers.google import request
from llmring_providers.google.provider import GoogleAdapter, GoogleCounting, GoogleProvider

_CHATS = re.compile(r"gemini-(?!.*(?:embedding|live)).+")
_COUNTED = frozenset({"contents", "generationConfig", "systemInstruction", "tools"})


class VertexAdapter(GoogleAdapter):
    """Gemini's protocol below a project and a location.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference
    """

    source: str | KeySource = ""
    """Of the token, which may know which project pays."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return bearer(api_key, self.source)

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(_published(call), stream=stream)


class VertexCounting(GoogleCounting):
    """``countTokens`` takes the fields of the request themselves.

    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/count-tokens
    """

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(_published(call), stream=False)
        return WireRequest(
            path=f"{wire.path.removesuffix(':generateContent')}:countTokens",
            body=msgspec.json.encode(with_fields(wire.body, _COUNTED)),
            warnings=wire.warnings,
        )


def _published(call: ChatCall) -> ChatCall:
    model = call.ref.model
    if not model.startswith(("publishers/", "endpoints/")):
        model = f"publishers/google/models/{model.removeprefix('models/')}"
    ref = ModelRef(call.ref.provider, model)
    return ChatCall(call.request, ref, call.facts, call.progress, call.host, call.quirks)


def create_vertex(settings: ProviderSettings) -> GoogleProvider:
    """Build the provider of a project's location; without a key it has the application-default credentials.

    Raises:
        ConfigurationError: there is no address.
        MissingSDKError: the credentials are needed, and ``google-auth`` is not installed.
    """
    base_url = vertex_address(settings.address("gemini"))
    source = with_credentials(settings)
    adapter = VertexAdapter()
    adapter.source = source
    return GoogleProvider.from_settings(
        msgspec.structs.replace(settings, api_key=source),
        adapter=adapter,
        base_url=base_url,
        listing=vertex_listing(settings, base_url, _CHATS),
        client_factory=partial(_build_client, default=not settings.api_key),
        sdk="llmring_providers.google.sdk",
        counting=VertexCounting(),
    )


def _build_client(*, api_key: str | AwaitedKeySource, base_url: str, default: bool) -> Any:
    try:
        from google import genai  # noqa: PLC0415 - nearly a second of import, only for those who ask for it
        from google.oauth2.credentials import Credentials  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Vertex AI needs Google's SDK: pip install 'llmring[google]'", original=error
        ) from error
    place = Place.of(base_url)
    return genai.Client(
        vertexai=True,
        project=place.project,
        location=place.location,
        credentials=None if default else Credentials(plain_key(api_key, "vertex")),  # type: ignore[no-untyped-call]
        http_options=genai.types.HttpOptions(base_url=place.origin, api_version=place.version),
    )
