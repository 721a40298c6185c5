"""The models that a provider offers to a key."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from llmring_providers import HttpProvider, ProviderSettings, find_factory
from llmring_providers.sim import SimTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError
from llmring_types.exceptions import (
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderResponseError,
)


class Pages:
    """A transport that answers by path."""

    def __init__(self, pages: Mapping[str, Any], status: int = 200) -> None:
        self.requests: list[HttpRequest] = []
        self._pages, self._status = pages, status

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        page = next(page for path, page in self._pages.items() if request.url.endswith(path))
        body = page if isinstance(page, bytes) else json.dumps(page).encode()
        return HttpResponse(self._status, {}, body)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise AssertionError("a list is not streamed")

    async def aclose(self) -> None:
        pass


def provider(name: str, transport: Any) -> HttpProvider:
    built = find_factory(name)(ProviderSettings(name=name, transport=transport, api_key="k-made-up"))
    assert isinstance(built, HttpProvider)
    return built


OPENAI = {
    "/v1/models": {
        "object": "list",
        "data": [{"id": "gpt-6", "object": "model", "created": 1, "owned_by": "x"}],
    }
}
ANTHROPIC = {
    "/v1/models?limit=1000": {
        "data": [{"type": "model", "id": "claude-6", "display_name": "Claude 6", "max_input_tokens": 200000}],
        "has_more": True,
        "last_id": "claude-6",
    },
    "&after_id=claude-6": {"data": [{"id": "claude-5"}], "has_more": False, "last_id": "claude-5"},
}
GOOGLE = {
    "/v1beta/models?pageSize=1000": {
        "models": [
            {
                "name": "models/gemini-6",
                "displayName": "Gemini 6",
                "inputTokenLimit": 1000,
                "outputTokenLimit": 100,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {"name": "models/embedding-1", "supportedGenerationMethods": ["embedContent"]},
        ],
        "nextPageToken": "a+b",
    },
    "&pageToken=a%2Bb": {
        "models": [{"name": "models/gemini-5", "supportedGenerationMethods": ["generateContent"]}]
    },
}
OLLAMA = {"/api/tags": {"models": [{"name": "llama3:8b", "model": "llama3:8b"}]}}


@pytest.mark.parametrize(
    ("name", "pages", "models"),
    [
        ("openai", OPENAI, ["gpt-6"]),
        ("anthropic", ANTHROPIC, ["claude-6", "claude-5"]),
        ("google", GOOGLE, ["gemini-6", "gemini-5"]),
        ("ollama", OLLAMA, ["llama3:8b"]),
    ],
)
async def test_every_page_is_read_with_the_key(name: str, pages: dict[str, Any], models: list[str]) -> None:
    transport = Pages(pages)
    found = await provider(name, transport).models()
    assert [(facts.provider, facts.model) for facts in found] == [(name, model) for model in models]
    assert len(transport.requests) == len(pages)
    for request in transport.requests:
        assert request.method == "GET"
        assert "k-made-up" in "".join(request.headers.values())


async def test_what_is_said_of_a_model_is_kept() -> None:
    claude = (await provider("anthropic", Pages(ANTHROPIC)).models())[0]
    assert (claude.display_name, claude.context_window) == ("Claude 6", 200_000)
    gemini = (await provider("google", Pages(GOOGLE)).models())[0]
    assert (gemini.display_name, gemini.context_window, gemini.max_output_tokens) == ("Gemini 6", 1000, 100)


@pytest.mark.parametrize("name", ["openai", "anthropic", "google", "ollama"])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"data": 1, "models": 1}'])
async def test_what_is_no_list_is_malformed(name: str, body: bytes) -> None:
    with pytest.raises(MalformedResponseError):
        await provider(name, Pages({"": body})).models()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, ProviderAuthenticationError), (404, ProviderResponseError), (500, ProviderResponseError)],
)
async def test_a_refusal_is_typed(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        await provider("openai", Pages({"": {"error": {"message": "no k-made-up"}}}, status)).models()
    assert "k-made-up" not in str(caught.value)


async def test_no_answer_is_a_connection_error() -> None:
    class Down(Pages):
        async def send(self, request: HttpRequest) -> HttpResponse:
            raise TransportError("api.openai.com: refused")

    with pytest.raises(ProviderConnectionError, match=r"api\.openai\.com"):
        await provider("openai", Down({})).models()


async def test_a_provider_without_a_list_says_so() -> None:
    with pytest.raises(ProviderResponseError, match="does not list"):
        await provider("sim", SimTransport()).models()


@pytest.mark.parametrize(
    ("host", "path", "page", "expected"),
    [
        (
            "openrouter",
            "/api/v1/models",
            {
                "data": [
                    {
                        "id": "meta-llama/llama-4:free",
                        "name": "Llama 4",
                        "context_length": 128000,
                        "pricing": {"prompt": "0.0000002", "completion": "0.000001", "image": "0"},
                    }
                ]
            },
            ("meta-llama/llama-4:free", 128000, "0.2000000", "1.000000", "openrouter"),
        ),
        (
            "together",
            "/v1/models",
            [{"id": "a/b", "context_length": 4096, "pricing": {"input": 0.18, "output": 0.5}}],
            ("a/b", 4096, "0.18", "0.5", "together"),
        ),
        (
            "openrouter",
            "/api/v1/models",
            {"data": [{"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}}]},
            ("openrouter/auto", None, "None", "None", None),
        ),
        (
            "groq",
            "/openai/v1/models",
            {"data": [{"id": "x", "context_window": 8192, "pricing": {"input": "1", "output": "1"}}]},
            ("x", 8192, "None", "None", None),
        ),
        (
            "github",
            "models.github.ai/catalog/models",
            [{"id": "openai/gpt-4.1"}],
            ("openai/gpt-4.1", None, "None", "None", None),
        ),
    ],
)
async def test_whatever_a_host_says_of_its_models_is_read_with_its_source(
    host: str, path: str, page: Any, expected: tuple[Any, ...]
) -> None:
    (facts,) = await provider(host, Pages({path: page})).models()
    prices = facts.prices
    assert (facts.provider, facts.active) == (host, True)
    assert (
        facts.model,
        facts.context_window,
        str(prices.input),
        str(prices.output),
        prices.source,
    ) == expected


async def test_a_host_without_a_list_says_so() -> None:
    with pytest.raises(ProviderResponseError, match="does not list"):
        await provider("cohere", Pages({})).models()


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("anthropic", {"data": [{"id": "claude-6"}], "has_more": True, "last_id": "claude-6"}),
        ("google", {"models": [{"name": "models/gemini-6"}], "nextPageToken": "again"}),
    ],
)
async def test_a_list_that_repeats_a_page_ends_as_malformed(name: str, page: dict[str, Any]) -> None:
    transport = Pages({"": page})
    with pytest.raises(MalformedResponseError, match="has no end: after 2 pages"):
        await provider(name, transport).models()
    assert len(transport.requests) == 2


async def test_a_list_whose_pages_never_end_is_malformed() -> None:
    class Endless(Pages):
        async def send(self, request: HttpRequest) -> HttpResponse:
            self.requests.append(request)
            page = {"data": [], "has_more": True, "last_id": str(len(self.requests))}
            return HttpResponse(200, {}, json.dumps(page).encode())

    transport = Endless({})
    with pytest.raises(MalformedResponseError, match="has no end"):
        await provider("anthropic", transport).models()
    assert len(transport.requests) == 1_000
