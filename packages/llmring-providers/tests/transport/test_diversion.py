"""Requests that are taken another way."""

from types import SimpleNamespace
from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings
from llmring_providers.openai import create
from llmring_providers.sim import SimTransport
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport, divert
from llmring_types import LLMRequest, Message, ModelRef

CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))


class Unused:
    """A transport that nothing must reach."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise AssertionError(request.url)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise AssertionError(request.url)

    async def aclose(self) -> None:
        """There is nothing to close."""


class ToTheSimulator:
    """Notes what it is told, and has the simulated model answer."""

    def __init__(self) -> None:
        self.told: list[tuple[Transport, str, str]] = []

    def through(self, transport: Transport, *, provider: str, secret: str) -> Transport:
        self.told.append((transport, provider, secret))
        return SimTransport()


@pytest.mark.parametrize("method", ["chat", "stream", "models"])
async def test_within_a_diversion_no_request_goes_through_the_providers_own_transport(method: str) -> None:
    own, diversion, unused = Unused(), ToTheSimulator(), ToTheSimulator()
    provider: HttpProvider = create(ProviderSettings(name="openai", transport=own, api_key="sk-hunter2"))
    arguments = () if method == "models" else (CALL,)
    with divert(unused), divert(diversion):
        await getattr(provider, method)(*arguments)
    assert diversion.told == [(own, "openai", "sk-hunter2")]
    assert unused.told == []
    with pytest.raises(AssertionError):
        await getattr(provider, method)(*arguments)


@pytest.mark.parametrize(
    ("client", "secret"), [({"api_key": "sk-hers"}, "sk-hers"), ({"api_key": object()}, ""), ({}, "")]
)
async def test_the_key_of_an_sdk_client_is_told_where_it_can_be_seen(
    client: dict[str, Any], secret: str
) -> None:
    diversion, like = (
        ToTheSimulator(),
        create(ProviderSettings(name="openai", transport=Unused(), api_key="k")),
    )
    provider = HttpProvider(
        "openai",
        adapter=like._adapter,
        transport=Unused(),
        base_url="https://h.test/v1",
        client=SimpleNamespace(**client),
    )
    with divert(diversion):
        await provider.chat(CALL)
    assert [told for _, _, told in diversion.told] == [secret]
