"""``provider.client``: the vendor's own SDK client with the same key and the same address."""

import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from llmring_providers import BUILTIN, HttpProvider, ProviderSettings, find_factory
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import MissingSDKError
from llmring_types.hosts import host_of


class Sdk(NamedTuple):
    """Where a vendor's client keeps its address and its key."""

    module: str
    kind: str
    address: Callable[[Any], str]
    key: Callable[[Any], str]


def google_address(client: Any) -> str:
    options = client._api_client._http_options
    return f"{options.base_url.rstrip('/')}/{options.api_version}"


SDKS = {
    "openai": Sdk(
        "openai", "AsyncOpenAI", lambda client: str(client.base_url), lambda client: client.api_key
    ),
    "anthropic": Sdk(
        "anthropic", "AsyncAnthropic", lambda client: str(client.base_url), lambda client: client.api_key
    ),
    "google": Sdk("google.genai", "Client", google_address, lambda client: client._api_client.api_key),
    "ollama": Sdk(
        "ollama",
        "AsyncClient",
        lambda client: str(client._client.base_url),
        lambda client: client._client.headers["authorization"].removeprefix("Bearer "),
    ),
}


@pytest.fixture(params=SDKS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def build(name: str, base_url: str | None = None) -> HttpProvider:
    settings = ProviderSettings(name=name, transport=AutoTransport(), api_key="sk-hunter2", base_url=base_url)
    provider = find_factory(name)(settings)
    assert isinstance(provider, HttpProvider)
    return provider


def test_every_vendor_is_here() -> None:
    assert set(SDKS) == {name for name in BUILTIN if host_of(name).is_vendor} - {"local", "sim"}


@pytest.mark.parametrize("base_url", [None, "https://proxy.test/base/v1"])
async def test_the_client_has_the_key_and_the_address_of_the_provider(
    name: str, base_url: str | None
) -> None:
    provider = build(name, base_url)
    client = provider.client
    assert type(client).__name__ == SDKS[name].kind
    assert SDKS[name].address(client).rstrip("/") == provider.base_url
    assert SDKS[name].key(client) == "sk-hunter2"
    assert provider.client is client
    await provider.aclose()
    await provider.aclose()


def test_nothing_is_built_before_it_is_asked_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, SDKS[name].module, None)
    assert name in repr(build(name))


def test_without_the_sdk_the_error_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, SDKS[name].module, None)
    if name == "google":
        monkeypatch.delattr("google.genai", raising=False)  # where nobody has imported it yet
    provider = build(name)
    with pytest.raises(MissingSDKError, match=rf"pip install 'llmring\[{name}\]'"):
        _ = provider.client
    assert not hasattr(provider, "client")


def test_the_simulator_has_no_client() -> None:
    assert not hasattr(build("sim"), "client")
