"""What an adapter and a transport make together."""

from typing import Any

import pytest
from llmring_providers import ChatCall, HttpProvider, ProviderSettings
from llmring_providers.openai import create
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, TransportError
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import ProviderConnectionError

SECRET = "sk-hunter2"
CALL = ChatCall(LLMRequest(messages=[Message(role="user", content="Hi")]), ModelRef("openai", "gpt-4o"))


class Broken:
    """A transport that reaches nobody."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        raise TransportError("h.test: Connection refused")

    async def open(self, request: HttpRequest) -> ByteStream:
        raise TransportError("h.test: Connection refused")

    async def aclose(self) -> None:
        raise AssertionError("a provider does not close the transport that others use")


def provider(**settings: Any) -> HttpProvider:
    return create(ProviderSettings(name="openai", transport=Broken(), api_key=SECRET, **settings))


@pytest.mark.parametrize(
    ("base_url", "shown"),
    [
        ("https://h.test/v1", "https://h.test/v1"),
        (f"https://me:{SECRET}@h.test/v1", "https://h.test/v1"),
        (f"https://{SECRET}@h.test:8080", "https://h.test:8080"),
        ("https://h.test/at/@here", "https://h.test/at/@here"),
    ],
)
@pytest.mark.parametrize("method", ["chat", "stream"])
async def test_nobody_reached_is_a_connection_error_that_shows_where(
    base_url: str, shown: str, method: str
) -> None:
    with pytest.raises(ProviderConnectionError) as caught:
        await getattr(provider(base_url=base_url), method)(CALL)
    assert str(caught.value) == (
        f"[openai] no answer from h.test: Connection refused; check the network and the base URL {shown}"
    )
    assert caught.value.model == "gpt-4o"


def test_nothing_shows_a_secret() -> None:
    settings = ProviderSettings(
        name="openai", transport=Broken(), api_key=SECRET, base_url=f"https://me:{SECRET}@h.test/v1"
    )
    assert repr(settings) == "ProviderSettings(name='openai', base_url='https://h.test/v1')"
    assert repr(create(settings)) == "HttpProvider('openai', base_url='https://h.test/v1')"
    assert repr(ProviderSettings(name="x", transport=Broken())) == "ProviderSettings(name='x', base_url=None)"


async def test_the_shared_transport_stays_open() -> None:
    built = provider()
    await built.aclose()
    await built.aclose()
