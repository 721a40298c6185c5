"""The settings of a provider: the address that it speaks to."""

from collections.abc import Iterator
from typing import Any

import pytest
from llmring_providers import ProviderSettings, find_factory
from llmring_providers.openai import create
from llmring_providers.transport import AutoTransport
from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import HOSTS, Host, register, unregister

ACCOUNTS = [host.name for host in HOSTS.values() if host.url_template is not None]


def settings(name: str, **given: Any) -> ProviderSettings:
    return ProviderSettings(name=name, transport=AutoTransport(), api_key="key-hunter2", **given)


@pytest.fixture
def registered() -> Iterator[Host]:
    host = Host(name="ours", protocol="openai", keyless=True, url_template="https://{OUR_TENANT}.test/v1")
    register(host)
    yield host
    unregister(host.name)


@pytest.mark.parametrize("name", ACCOUNTS)
def test_without_the_address_of_the_account_no_key_goes_to_the_vendor(name: str) -> None:
    needed = " and ".join(HOSTS[name].url_sources({}))
    with pytest.raises(ConfigurationError, match=f"set {needed}, or base_url"):
        find_factory(name)(settings(name))


def test_a_registered_host_of_accounts_needs_its_address_as_well(registered: Host) -> None:
    with pytest.raises(ConfigurationError, match="set OUR_TENANT, or base_url"):
        settings(registered.name).address("openai")


@pytest.mark.parametrize(
    ("name", "given", "address"),
    [
        ("cloudflare", {"base_url": "https://account.test/v1"}, "https://account.test/v1"),
        ("groq", {}, "https://api.groq.com/openai/v1"),
        ("groq", {"base_url": "https://proxy.test"}, "https://proxy.test"),
        ("acme", {"base_url": "https://acme.test"}, "https://acme.test"),
    ],
)
def test_the_address_is_that_given_then_that_of_the_host(
    name: str, given: dict[str, str], address: str
) -> None:
    assert settings(name, **given).address("openai") == address


def test_the_key_of_a_package_of_others_goes_to_no_vendor() -> None:
    with pytest.raises(ConfigurationError, match="set ACME_BASE_URL, or base_url"):
        create(settings("acme"))


def test_an_sdk_client_brings_the_address_of_its_account() -> None:
    own = ProviderSettings(name="cloudflare", transport=AutoTransport(), client=object())
    assert own.address("openai") == ""
