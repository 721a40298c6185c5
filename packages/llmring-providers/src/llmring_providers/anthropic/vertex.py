"""Claude on Vertex AI: the model in the path, the version of the API in the body."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec
from llmring_types.exceptions import MissingSDKError

from llmring_providers._http.provider import HttpProvider
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers._settings import AwaitedKeySource, KeySource, ProviderSettings, plain_key
from llmring_providers._vertex import Place, bearer, vertex_address, vertex_listing, with_credentials
from llmring_providers.anthropic.provider import AnthropicAdapter, AnthropicCounting

VERSION = "vertex-2023-10-16"
"""https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai"""

_CHATS = re.compile(r"claude-.+")
_MODELS = "/publishers/anthropic/models"


class VertexClaudeAdapter(AnthropicAdapter):
    """The Messages API through ``rawPredict``.

    https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai
    """

    source: str | KeySource = ""
    """Of the token, which may know which project pays."""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        return bearer(api_key, self.source)

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        wire = super().encode(call, stream=stream)
        body = _versioned(wire.body)
        model = quote(msgspec.json.decode(body.pop("model"), type=str), safe="@")
        action = "streamRawPredict" if stream else "rawPredict"
        return WireRequest(
            path=f"{_MODELS}/{model}:{action}",
            body=msgspec.json.encode(body),
            headers=wire.headers,
            warnings=wire.warnings,
            notes=wire.notes,
        )


class VertexClaudeCounting(AnthropicCounting):
    """The count of tokens, which has the model in the body.

    https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens
    """

    def encode(self, call: ChatCall) -> WireRequest:
        wire = super().encode(call)
        return WireRequest(
            path=f"{_MODELS}/count-tokens:rawPredict",
            body=msgspec.json.encode(_versioned(wire.body)),
            headers=wire.headers,
            warnings=wire.warnings,
        )


def _versioned(body: bytes) -> dict[str, msgspec.Raw]:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    fields.setdefault("anthropic_version", msgspec.Raw(msgspec.json.encode(VERSION)))
    return fields


def create_vertex(settings: ProviderSettings) -> HttpProvider:
    """Build the provider of a project's location; without a key it has the application-default credentials.

    Raises:
        ConfigurationError: there is no address.
        MissingSDKError: the credentials are needed, and ``google-auth`` is not installed.
    """
    base_url = vertex_address(settings.address("anthropic"))
    source = with_credentials(settings)
    adapter = VertexClaudeAdapter()
    adapter.source = source
    return HttpProvider.from_settings(
        msgspec.structs.replace(settings, api_key=source),
        adapter=adapter,
        base_url=base_url,
        listing=vertex_listing(settings, base_url, _CHATS),
        client_factory=partial(_build_client, default=not settings.api_key),
        sdk="llmring_providers.anthropic.sdk",
        counting=VertexClaudeCounting(),
    )


def _build_client(*, api_key: str | AwaitedKeySource, base_url: str, default: bool) -> Any:
    try:
        import anthropic  # noqa: PLC0415 - two seconds of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Claude on Vertex AI needs its SDK: pip install 'anthropic[vertex]'", original=error
        ) from error
    place = Place.of(base_url)
    return anthropic.AsyncAnthropicVertex(
        region=place.location,
        project_id=place.project,
        access_token=None if default else plain_key(api_key, "vertex-anthropic"),
        base_url=f"{place.origin}/{place.version}",
    )
