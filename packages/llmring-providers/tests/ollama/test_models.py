"""What a server has installed."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers.ollama import decode_tags, installed_models
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError
from llmring_types import ModelFacts
from llmring_types.exceptions import (
    LLMRingError,
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderResponseError,
)

TAGS = json.dumps(
    {
        "models": [
            {
                "name": "gemma3:latest",
                "model": "gemma3:latest",
                "modified_at": "2025-08-20T13:47:55.580951Z",
                "size": 3338801804,
                "digest": "a2af6cc3eb7fa8be8504abaf9b04e88f17a119ec3f04a3addf55f92841195f5a",
                "details": {
                    "parent_model": "",
                    "format": "gguf",
                    "family": "gemma3",
                    "families": ["gemma3"],
                    "parameter_size": "4.3B",
                    "quantization_level": "Q4_K_M",
                },
            },
            {"name": "gpt-oss:120b-cloud", "size": 0, "details": {"family": ""}},
            {"size": 1},
        ]
    }
).encode()
FACTS = [
    ModelFacts(
        provider="ollama",
        model="gemma3:latest",
        family="gemma3",
        description="4.3B parameters, Q4_K_M, 3.3 GB",
        active=True,
    ),
    ModelFacts(provider="ollama", model="gpt-oss:120b-cloud", active=True),
]


class Server:
    """A transport that answers every request alike."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.requests: list[HttpRequest] = []
        self._reply = HttpResponse(status, headers or {}, body)

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return self._reply

    async def open(self, request: HttpRequest) -> ByteStream:
        raise AssertionError("a list does not come as a stream")

    async def aclose(self) -> None:
        pass


class NoServer(Server):
    async def send(self, request: HttpRequest) -> HttpResponse:
        raise TransportError("localhost:11434: connection refused")


def test_names_sizes_and_details_are_read() -> None:
    assert decode_tags(TAGS) == FACTS


@pytest.mark.parametrize("body", [b'{"models":[]}', b'{"models":null}', b"{}"])
def test_a_server_may_have_none(body: bytes) -> None:
    assert decode_tags(body) == []


@given(st.binary())
def test_any_bytes_give_a_list_or_one_of_our_errors(body: bytes) -> None:
    try:
        decode_tags(body)
    except LLMRingError as error:
        assert isinstance(error, MalformedResponseError)  # noqa: PT017


async def test_the_server_is_asked_at_its_address() -> None:
    server = Server(200, TAGS)
    assert await installed_models(server, "0.0.0.0:1234", api_key="k") == FACTS
    assert server.requests == [
        HttpRequest("GET", "http://127.0.0.1:1234/api/tags", {"authorization": "Bearer k"})
    ]


async def test_without_a_key_none_is_sent() -> None:
    server = Server(200, TAGS)
    await installed_models(server)
    assert server.requests == [HttpRequest("GET", "http://localhost:11434/api/tags", {})]


async def test_a_server_that_does_not_run_says_how_to_start_it() -> None:
    with pytest.raises(ProviderConnectionError, match="ollama serve"):
        await installed_models(NoServer(0, b""))


@pytest.mark.parametrize(
    ("status", "kind"), [(401, ProviderAuthenticationError), (404, ProviderResponseError), (500, ProviderResponseError)]
)  # fmt: skip
async def test_a_refusal_is_typed(status: int, kind: type[LLMRingError]) -> None:
    with pytest.raises(kind, match=f"HTTP status {status}"):
        await installed_models(Server(status, b"nope"))
