"""The provider that references name ``openai``."""

import sys

import openai
import pytest
from llmring_providers import HttpProvider, ProviderSettings, find_factory
from llmring_providers.openai.provider import build_client
from llmring_providers.transport import Transport
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types.exceptions import MissingSDKError


@pytest.fixture
async def transport() -> Transport:
    return AiohttpTransport()


async def test_raw_access_has_the_same_key_and_address(transport: Transport) -> None:
    settings = ProviderSettings(
        name="openai", transport=transport, api_key="sk-test", base_url="https://host/v1/"
    )
    provider = find_factory("openai")(settings)
    assert isinstance(provider, HttpProvider)
    client = provider.client
    assert isinstance(client, openai.AsyncOpenAI)
    assert (client.api_key, str(client.base_url)) == ("sk-test", "https://host/v1/")
    assert "sk-test" not in repr(provider)
    await provider.aclose()


async def test_without_an_address_it_speaks_to_openai(transport: Transport) -> None:
    provider = find_factory("openai")(ProviderSettings(name="openai", transport=transport))
    assert "https://api.openai.com/v1" in repr(provider)


def test_a_missing_sdk_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[openai\]"):
        build_client(api_key="k", base_url="https://host")
