"""Endpoints, told by method, path and headers."""

import json
from typing import Any

import pytest
from hosted import SIDES, STAMP
from llmring_providers.hosting import CODECS, ProtocolName, Route, find_route

KEY = {"x-goog-api-key": "k"}
VERSION = {"anthropic-version": "2023-06-01"}
ROUTES: list[tuple[str, str, dict[str, str], Route | None]] = [
    ("POST", "/v1/chat/completions", {}, Route(protocol="openai_chat", operation="chat")),
    (
        "POST",
        "https://x.test/openai/chat/completions?a=b",
        {},
        Route(protocol="openai_chat", operation="chat"),
    ),
    ("POST", "/v1/responses", {}, Route(protocol="openai_responses", operation="chat")),
    ("POST", "/v1/responses/input_tokens", {}, Route(protocol="openai_responses", operation="count_tokens")),
    ("POST", "/api/generate", {}, Route(protocol="ollama", operation="generate")),
    ("GET", "/api/version", {}, Route(protocol="ollama", operation="version")),
    ("POST", "/api/show", {}, Route(protocol="ollama", operation="show")),
    ("POST", "/v1/embeddings", {}, Route(protocol="openai_chat", operation="embeddings")),
    ("GET", "/v1/models", {}, Route(protocol="openai_chat", operation="models")),
    ("GET", "/v1/models?limit=5", VERSION, Route(protocol="anthropic", operation="models")),
    ("POST", "/v1/messages", VERSION, Route(protocol="anthropic", operation="chat")),
    ("POST", "/v1/messages/count_tokens", {}, Route(protocol="anthropic", operation="count_tokens")),
    (
        "POST",
        "/v1beta/models/team%2Fsummarizer:generateContent",
        {},
        Route(protocol="gemini", operation="chat", model="team/summarizer"),
    ),
    (
        "POST",
        "/v1beta/models/m:streamGenerateContent?key=k&alt=sse",
        {},
        Route(protocol="gemini", operation="chat", model="m", stream=True),
    ),
    (
        "POST",
        "/v1beta/models/m:streamGenerateContent",
        {},
        Route(protocol="gemini", operation="chat", model="m", stream=True, sse=False),
    ),
    (
        "POST",
        "/v1beta/models/m:countTokens",
        {},
        Route(protocol="gemini", operation="count_tokens", model="m"),
    ),
    (
        "POST",
        "/v1beta/models/m:embedContent",
        {},
        Route(protocol="gemini", operation="embeddings", model="m"),
    ),
    (
        "POST",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.m/converse-stream",
        {},
        Route(
            protocol="bedrock",
            operation="chat",
            model="arn:aws:bedrock:us-east-1:1:inference-profile/us.m",
            stream=True,
            sse=False,
        ),
    ),
    (
        "POST",
        "/model/m:0/converse",
        {},
        Route(protocol="bedrock", operation="chat", model="m:0", sse=False),
    ),
    (
        "POST",
        "/model/m/count-tokens",
        {},
        Route(protocol="bedrock", operation="count_tokens", model="m", sse=False),
    ),
    ("GET", "/foundation-models", {}, Route(protocol="bedrock", operation="models")),
    ("POST", "/model/m/invoke", {}, None),
    ("GET", "/v1beta/models", {}, Route(protocol="gemini", operation="models")),
    ("GET", "/v1/models", KEY, Route(protocol="gemini", operation="models")),
    ("POST", "/api/chat", {}, Route(protocol="ollama", operation="chat")),
    ("GET", "/api/tags", {}, Route(protocol="ollama", operation="models")),
    ("POST", "/api/embed", {}, Route(protocol="ollama", operation="embeddings")),
    ("GET", "/v1/chat/completions", {}, None),
    ("POST", "/v1/models", {}, None),
    ("POST", "/v1beta/models/m:predict", {}, None),
    ("GET", "/", {}, None),
]


@pytest.mark.parametrize(("method", "target", "headers", "route"), ROUTES)
def test_an_endpoint_is_found(method: str, target: str, headers: dict[str, str], route: Route | None) -> None:
    assert find_route(method, target, headers) == route


LISTED: list[tuple[ProtocolName, str]] = [
    ("openai_chat", "data.0.id"),
    ("openai_responses", "data.0.id"),
    ("anthropic", "data.0.id"),
    ("gemini", "models.0.name"),
    ("ollama", "models.0.name"),
    ("bedrock", "modelSummaries.0.modelId"),
]


@pytest.mark.parametrize(("protocol", "place"), LISTED)
def test_models_are_listed_where_the_protocol_has_them(protocol: ProtocolName, place: str) -> None:
    found: Any = json.loads(CODECS[protocol].models(["fast", "deep"], STAMP))
    for step in place.split("."):
        found = found[int(step)] if step.isdigit() else found[step]

    assert found.removeprefix("models/") == "fast"
    assert json.loads(CODECS[protocol].models([], STAMP))


def test_tokens_are_counted_by_the_names_of_the_protocol() -> None:
    said = {name: json.loads(sides.codec.token_count(7)) for name, sides in SIDES.items()}

    assert all(7 in each.values() for each in said.values())
    assert (said["anthropic"], said["gemini"]) == ({"input_tokens": 7}, {"totalTokens": 7})
