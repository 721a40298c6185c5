from collections.abc import Iterator

import msgspec
import pytest
from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import HOSTS, Host, HostNames, host_of, register, unregister

VENDORS = {"openai", "anthropic", "google", "ollama", "sim", "local"}
ACCOUNT = Host(
    name="account",
    title="Account",
    protocol="openai",
    url_template="https://{REGION}.acme.test/{ACCOUNT}/v1",
    keyless=True,
)
ACME = Host(name="acme", protocol="openai", default_url="https://acme.test/v1", key_variables=("ACME_KEY",))


@pytest.fixture(autouse=True)
def table() -> Iterator[None]:
    yield
    unregister("acme")


def test_every_row_that_comes_with_llmring_could_be_registered() -> None:
    for host in HOSTS.values():
        register(host)  # an equal row is checked and changes nothing
        assert host.keyless or host.key_variables
        assert host.protocol == "sim" or host.source
        assert host.is_vendor == (host.name in VENDORS)
        assert not host.is_vendor or host.protocol == "sim" or host.models_page
        assert not host.is_vendor or host.keyless or host.keys_page


def test_every_deviation_names_the_page_of_the_vendor_that_says_so() -> None:
    for host in HOSTS.values():
        quirks = host.quirks
        if quirks is None:
            continue
        deviating = msgspec.to_builtins(quirks).keys() - {"pages"}
        assert deviating, f"{host.name}: leave quirks out where there are none"
        assert quirks.pages.keys() == deviating, host.name
        assert all(page.startswith("https://") for page in quirks.pages.values())
        assert msgspec.convert(msgspec.to_builtins(host), Host) == host


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"REGION": "eu-1", "ACCOUNT": "a_1"}, "https://eu-1.acme.test/a_1/v1"),
        ({"REGION": "https://eu.x.test/", "ACCOUNT": " a "}, "https://eu.x.test.acme.test/a/v1"),
        ({"REGION": "eu"}, None),
        ({}, None),
    ],
)
def test_the_address_of_an_account_is_made_of_variables(values: dict[str, str], url: str | None) -> None:
    assert ACCOUNT.url_variables == ("REGION", "ACCOUNT")
    assert ACCOUNT.url_with(values) == url


@pytest.mark.parametrize("part", ["thief.test/#", "a@thief.test", "x/../..", "a?b", "a:1", "a b"])
def test_a_part_that_would_lead_elsewhere_makes_no_address(part: str) -> None:
    assert ACCOUNT.url_with({"REGION": part, "ACCOUNT": "a"}) is None


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"REGION": "eu", "ZONE": "eu-1"}, "https://eu.eu-1.acme.test/v1"),
        ({"REGION": "eu", "ZONE": " "}, "https://eu.eu.acme.test/v1"),
        ({"ZONE": "eu-1"}, None),
    ],
)
def test_each_place_of_an_address_takes_the_first_of_its_variables(
    values: dict[str, str], url: str | None
) -> None:
    host = msgspec.structs.replace(ACCOUNT, url_template="https://{REGION}.{ZONE|REGION}.acme.test/v1")
    assert host.url_with(values) == url


def test_no_variable_belongs_to_two_hosts_but_to_the_forms_of_one() -> None:
    owners = {
        (name, host.cloud.partition("-")[0] if host.cloud else host.name.removesuffix("-anthropic"))
        for host in HOSTS.values()
        for name in host.variables
    }
    assert len(owners) == len({name for name, _ in owners})


def test_a_row_counts_from_the_moment_it_is_registered() -> None:
    openai_like = HostNames(lambda host: host.protocol == "openai")
    before = set(openai_like)
    register(ACME)
    assert set(openai_like) == before | {"acme"}
    assert (len(openai_like), "acme" in openai_like, host_of("acme")) == (len(before) + 1, True, ACME)
    assert {"acme", "ollama"} - openai_like == {"ollama"}
    assert list(openai_like) == sorted(openai_like)
    unregister("acme")
    assert "acme" not in openai_like


def test_a_provider_of_another_package_reads_the_variables_of_its_name() -> None:
    assert host_of("acme-llm.eu").variables == ("ACME_LLM_EU_API_KEY", "ACME_LLM_EU_BASE_URL")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        (Host(name="Acme:x", keyless=True), "host name"),
        (Host(name="acme", protocol="telnet", keyless=True), "protocol"),  # type: ignore[arg-type]
        (Host(name="acme", protocol="openai", keyless=True), "default_url"),
        (Host(name="acme", protocol="openai", default_url="http://[", keyless=True), "default_url"),
        (Host(name="acme", protocol="openai", default_url="https://acme.test"), "variable"),
        (Host(name="openai", protocol="openai", default_url="https://thief.test", keyless=True), "already"),
    ],
)
def test_a_row_that_cannot_work_or_takes_a_name_is_refused(row: Host, complaint: str) -> None:
    before = dict(HOSTS)
    with pytest.raises(ConfigurationError, match=complaint):
        register(row)
    assert dict(HOSTS) == before


def test_what_comes_with_llmring_stays() -> None:
    with pytest.raises(ConfigurationError):
        unregister("openai")


def test_a_host_whose_modules_are_missing_is_not_installed() -> None:
    assert HOSTS["openai"].is_installed
    assert Host(name="x", needs_modules=("json",)).is_installed
    assert not Host(name="x", needs_modules=("json", "no_such_module")).is_installed
