"""Hosts of one's own: by code, in the user configuration, and in a lockfile that is approved or not."""

import os
import stat
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from llmring import LLMRing, provider_status
from llmring.hosts import (
    add_host,
    own_host,
    register_host,
    register_lockfile_hosts,
    register_user_hosts,
    remove_host,
)
from llmring.trust import open_trust_store
from llmring_lockfile import emit, load, parse
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse
from llmring_types import LLMRequest, Message, Prices
from llmring_types.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    LockfileParseError,
    ProviderNotFoundError,
    UntrustedAddressError,
)
from llmring_types.hosts import HOSTS, Host, register, unregister

ANSWER = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}'
REQUEST = LLMRequest(messages=[Message(role="user", content="Hi")], model="lab:org/model:free")
LOCKFILE = """\
version = "1.0"

[hosts.lab]
base_url = "https://lab.example/v1"
key_env = "OPENAI_API_KEY"
"""


class Sent:
    """Answers everything; keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        return HttpResponse(200, {}, ANSWER)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise NotImplementedError

    async def aclose(self) -> None:
        pass


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-the-person")
    yield folder
    unregister("lab")


async def test_a_host_that_the_program_registers_is_called_with_its_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_KEY", "key-of-the-lab")
    sent = Sent()
    async with LLMRing(transport=sent) as ring:
        ring.register_host("lab", base_url="https://lab.example/v1/", key_env="LAB_KEY")
        response = await ring.chat(REQUEST)
    assert (response.content, response.model) == ("Hello", "lab:org/model:free")
    assert sent.requests[0].url == "https://lab.example/v1/chat/completions"
    assert sent.requests[0].headers["authorization"] == "Bearer key-of-the-lab"
    assert b'"model":"org/model:free"' in sent.requests[0].body


def test_the_sync_ring_takes_a_function_as_the_key() -> None:
    sent = Sent()
    with LLMRing.sync(transport=sent) as ring:
        ring.register_host("lab", base_url="https://lab.example/v1", api_key=lambda: "token-1")
        assert ring.chat(REQUEST).content == "Hello"
    assert sent.requests[0].headers["authorization"] == "Bearer token-1"


def test_a_host_comes_with_its_prices() -> None:
    sent = Sent()
    with LLMRing.sync(
        transport=sent, prices={"lab:dear": Prices(input=Decimal(5), output=Decimal(6))}
    ) as ring:
        for dollars in (Decimal(1), Decimal(2)):  # the last ones count
            prices = Prices(input=dollars, output=dollars)
            ring.register_host("lab", base_url="https://lab.example/v1", prices=prices)
        found = [facts.prices.input for facts in map(ring.facts, ("lab:org/model", "lab:dear")) if facts]
        assert found == [2, 5]
        with pytest.raises(ConfigurationError, match="already"):
            ring.register_host("openai", base_url="https://lab.example/v1", prices=Prices(input=Decimal(0)))
        with pytest.raises(ConfigurationError, match="0 or more"):
            ring.register_host("lab2", base_url="https://lab.example/v1", prices=Prices(input=Decimal(-1)))
        facts = ring.facts("openai:gpt-4o")
    assert facts is not None
    assert facts.prices.input
    assert "lab2" not in HOSTS


@pytest.mark.parametrize(
    ("provider", "settings", "lacking"),
    [
        ("cloudflare", {}, "CLOUDFLARE_API_TOKEN or CLOUDFLARE_API_KEY, and CLOUDFLARE_ACCOUNT_ID"),
        ("cloudflare", {"CLOUDFLARE_API_TOKEN": "key"}, "set CLOUDFLARE_ACCOUNT_ID$"),
        (
            "cloudflare",
            {"CLOUDFLARE_ACCOUNT_ID": "me"},
            "set CLOUDFLARE_API_TOKEN or CLOUDFLARE_API_KEY, or run: llmring keys set cloudflare$",
        ),
        ("azure", {"AZURE_OPENAI_API_KEY": "key"}, "set AZURE_OPENAI_RESOURCE$"),
        ("vertex", {}, "set GOOGLE_CLOUD_LOCATION and GOOGLE_CLOUD_PROJECT$"),
        ("vertex", {"GOOGLE_CLOUD_PROJECT": "mine"}, "set GOOGLE_CLOUD_LOCATION$"),
        ("groq", {}, "set GROQ_API_KEY, or run: llmring keys set groq$"),
    ],
)
def test_a_host_that_is_not_configured_names_all_that_is_missing(
    provider: str, settings: dict[str, str], lacking: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HOSTS[provider].variables:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    request = LLMRequest(messages=REQUEST.messages, model=f"{provider}:model")
    with LLMRing.sync(transport=Sent()) as ring, pytest.raises(ProviderNotFoundError, match=lacking):
        ring.chat(request)


@pytest.mark.parametrize(
    ("module", "settings", "missing"),
    [
        ("no_such_module", {}, "set LAB_REGION, and pip install 'llmring[cloud]'"),
        ("json.no_such_module", {"LAB_REGION": "north"}, "pip install 'llmring[cloud]'"),
        ("no_such_package.module", {"LAB_REGION": "north"}, "pip install 'llmring[cloud]'"),
        ("json.decoder", {"LAB_REGION": "north"}, None),
        ("no_such_module", {"LAB_KEY": "key"}, "set LAB_REGION"),
        ("no_such_module", {"LAB_URL": "https://proxy.example"}, None),
    ],
)
def test_an_extra_that_finds_the_credentials_is_named_with_all_else_that_is_missing(
    module: str, settings: dict[str, str], missing: str | None
) -> None:
    host = Host(
        name="lab",
        protocol="openai",
        key_variables=("LAB_KEY",),
        base_url_variables=("LAB_URL",),
        url_template="https://{LAB_REGION}.example/v1",
        credentials_extra=("cloud", module),
        keyless=True,
    )
    register(host)
    status = next(row for row in provider_status(settings) if row.name == "lab")
    assert (status.missing, status.configured) == (missing, missing is None)


def test_an_address_given_in_code_needs_no_account_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in HOSTS["cloudflare"].variables:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "token")
    sent = Sent()
    with LLMRing.sync(transport=sent) as ring:
        ring.register_provider("cloudflare", base_url="https://proxy.example/ai/v1")
        ring.chat(LLMRequest(messages=REQUEST.messages, model="cloudflare:@cf/meta/llama"))
    assert sent.requests[0].url == "https://proxy.example/ai/v1/chat/completions"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("lab.example/v1", "must begin with http"),
        ("ftp://lab.example", "must begin with http"),
        ("https://", "must begin with http"),
        ("https://[::1", "must begin with http"),
        ("https://lab.example/a b", "must begin with http"),
        ("https://me:secret@lab.example/v1", "must hold no key"),
        ("https://lab.example/openai?api-version=2024-10-21", "api-version"),
        ("https://lab.example/v1#x", "without"),
        ("https://lab.example/v1/chat/completions", "leave /chat/completions away"),
        ("https://lab.example/v1/responses/", "leave /responses away"),
        ("https://lab.example/v1/messages", "leave /messages away"),
    ],
)
def test_an_address_that_cannot_be_right_is_refused_when_it_is_registered(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        own_host("lab", base_url=url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("localhost:8000", "must begin with http"),
        (3, "must begin with http"),
        ("https://lab.example/openai?api-version=2024-10-21", "api-version"),
        ("https://lab.example/v1/chat/completions", "leave /chat/completions away"),
    ],
)
def test_the_address_of_a_provider_is_checked_too_wherever_it_comes_from(
    url: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=f"provider 'openai': .*{reason}"):
        LLMRing().register_provider("openai", api_key="k", base_url=url)
    monkeypatch.setenv("GROQ_API_KEY", "key")
    monkeypatch.setenv("GROQ_BASE_URL", str(url))
    with pytest.raises(ConfigurationError, match=f"provider 'groq': .*{reason}"):
        LLMRing().get_provider("groq")


@pytest.mark.parametrize(
    ("provider", "url"),
    [
        ("ollama", "localhost:11434"),
        ("openai", "https://me:password@proxy.example/v1"),
        ("openai", "https://proxy.example/?url="),
        ("azure-deployments", "https://mine.openai.azure.com/openai?api-version=2024-10-21"),
    ],
)
def test_other_forms_of_addresses_are_taken(provider: str, url: str) -> None:
    LLMRing().register_provider(provider, api_key="k", base_url=url)


def test_what_cannot_be_registered_is_refused_with_the_way_that_was_meant() -> None:
    ring = LLMRing()
    with pytest.raises(
        ConfigurationError, match="no setting 'bas_url'; its settings are api_key, base_url, client"
    ):
        ring.register_provider("openai", api_key="k", bas_url="http://localhost")
    with pytest.raises(ConfigurationError, match=r"takes a provider, not a text\. For a key: api_key="):
        ring.register_provider("openai", "sk-made-up")  # type: ignore[arg-type]
    with pytest.raises(ProviderNotFoundError, match=r"ring\.register_host\('mine', base_url=…\)"):
        ring.register_provider("mine", base_url="http://localhost:8000/v1")
    with pytest.raises(ProviderNotFoundError, match=r"did you mean google"):
        ring.register_provider("gemini", api_key="k")


@pytest.mark.parametrize("fields", [{"protocol": "sim"}, {"protocol": "soap"}, {"key_env": "sk-a-key"}])
def test_other_fields_that_cannot_be_right_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="host 'lab'"):
        own_host("lab", base_url="https://lab.example", **fields)


def test_no_host_of_ones_own_takes_the_name_of_another(home: Path) -> None:
    with LLMRing.sync(transport=Sent()) as ring, pytest.raises(ConfigurationError, match="already"):
        ring.register_host("openai", base_url="https://lab.example/v1")
    with pytest.raises(ConfigurationError, match="already"):
        add_host(own_host("openai", base_url="https://lab.example/v1"))
    assert not home.exists()


def test_a_host_in_the_user_configuration_is_known_to_every_ring(home: Path) -> None:
    row = own_host("lab", base_url="http://localhost:8000/v1", protocol="anthropic", key_env="LAB_KEY")
    add_host(own_host("lab", base_url="http://localhost:7000"))
    with pytest.raises(
        ConfigurationError, match="base_url 'http://localhost:7000' instead of 'http://localhost:8000/v1'"
    ):
        add_host(row)
    path = add_host(row, replace=True)
    assert add_host(row) == path  # the same again changes nothing
    assert path == home / "llmring" / "hosts.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "lab" not in HOSTS
    with LLMRing.sync(transport=Sent()):
        assert HOSTS["lab"] == row
    assert remove_host("lab")
    assert not remove_host("lab")
    assert "lab" not in path.read_text()


@pytest.mark.parametrize("base", ["", "relative"])
def test_hosts_below_the_home_are_known_where_no_absolute_folder_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("USERPROFILE" if os.name == "nt" else "HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", base)
    monkeypatch.chdir(tmp_path)
    row = own_host("lab", base_url="http://localhost:8000/v1")
    assert add_host(row) == tmp_path / ".config" / "llmring" / "hosts.toml"
    try:
        with LLMRing.sync(transport=Sent()):
            assert HOSTS["lab"] == row
    finally:
        unregister("lab")


def test_a_broken_file_of_hosts_is_named(home: Path) -> None:
    file = home / "llmring" / "hosts.toml"
    file.parent.mkdir(parents=True)
    for text in (
        "[hosts",
        "[hosts.lab]\nbase_url = 3\n",
        '[hosts.lab]\nbase_url = "https://x.example"\nkey = "sk-1"\n',
    ):
        file.write_text(text)
        with pytest.raises(ConfigurationError, match=r"cannot read .*hosts\.toml"):
            register_user_hosts()
    file.write_text('[hosts.openai]\nbase_url = "https://lab.example/v1"\n')
    with pytest.raises(ConfigurationError, match=r"hosts\.toml.*already"):
        register_user_hosts()


async def test_a_host_of_a_lockfile_counts_only_once_the_file_is_approved(tmp_path: Path) -> None:
    file, sent = tmp_path / "llmring.lock", Sent()
    file.write_text(LOCKFILE)
    async with LLMRing(lockfile_path=file, transport=sent) as ring:
        with pytest.raises(UntrustedAddressError, match=r"llmring trust llmring\.lock"):
            await ring.chat(REQUEST)
    assert (sent.requests, "lab" in HOSTS) == ([], False)
    open_trust_store().allow(file, file.read_bytes())
    async with LLMRing(lockfile_path=file, transport=sent) as ring:
        await ring.chat(REQUEST)
    assert sent.requests[0].headers["authorization"] == "Bearer sk-canary-of-the-person"
    unregister("lab")
    file.write_text(LOCKFILE.replace("lab.example", "evil.example"))
    async with LLMRing(lockfile_path=file, transport=sent) as ring:
        with pytest.raises(UntrustedAddressError):
            await ring.chat(REQUEST)
    assert len(sent.requests) == 1


async def test_a_host_of_a_lockfile_is_unknown_to_other_rings_of_the_process(tmp_path: Path) -> None:
    file, sent = tmp_path / "llmring.lock", Sent()
    file.write_text(LOCKFILE)
    open_trust_store().allow(file, file.read_bytes())
    async with LLMRing(lockfile_path=file, transport=sent) as ring, LLMRing(transport=sent) as other:
        await ring.chat(REQUEST)
        with pytest.raises(AliasNotFoundError):
            await other.chat(REQUEST)
        with pytest.raises(ProviderNotFoundError, match="no provider 'lab'"):
            other.register_provider("lab")
        with pytest.raises(ProviderNotFoundError, match="no provider 'lab'"):
            other.get_provider("lab")
        assert "lab" not in await other.get_available_models()
        assert len(sent.requests) == 1
        register_host(HOSTS["lab"])  # by the program, for all of them
        await other.chat(REQUEST)


def test_a_binding_ends_no_approval_and_another_host_does(tmp_path: Path) -> None:
    file, store = tmp_path / "llmring.lock", open_trust_store()
    file.write_text(LOCKFILE)
    store.allow(file, file.read_bytes())
    with LLMRing.sync(lockfile_path=file, transport=Sent()) as ring:
        ring.bind_alias("fast", "lab:small")
    assert "lab:small" in file.read_text()
    assert store.trusts(file, file.read_bytes())
    assert [each.current for each in store.files()] == [True]
    for changed in (
        LOCKFILE.replace("lab.example", "evil.example"),
        LOCKFILE.replace("OPENAI_API_KEY", "ANTHROPIC_API_KEY"),
        LOCKFILE.replace("hosts.lab", "hosts.lab2"),
        LOCKFILE + 'protocol = "anthropic"\n',
        LOCKFILE + '[hosts.more]\nbase_url = "https://evil.example"\n',
        LOCKFILE.replace("[hosts.lab]", "[hosts.lab"),
    ):
        file.write_text(changed)
        assert not store.trusts(file, file.read_bytes())
        assert [each.current for each in store.files()] == [False]
    other = tmp_path / "other.lock"
    other.write_text(LOCKFILE)
    assert not store.trusts(other, other.read_bytes())


def test_an_env_file_is_approved_whole_also_where_it_reads_as_a_lockfile(tmp_path: Path) -> None:
    file, store = tmp_path / ".env", open_trust_store()
    file.write_text('OPENAI_BASE_URL = "https://a.example"\n')
    store.allow(file, file.read_bytes())
    file.write_text('OPENAI_BASE_URL = "https://evil.example"\n')
    assert not store.trusts(file, file.read_bytes())


def test_what_was_approved_is_registered_not_what_was_read_before(tmp_path: Path) -> None:
    file = tmp_path / "llmring.lock"
    file.write_text(LOCKFILE.replace("lab.example", "evil.example"))
    read_before = load(file)
    file.write_text(LOCKFILE)
    open_trust_store().allow(file, file.read_bytes())
    found = register_lockfile_hosts(read_before)
    assert [host.default_url for host in found.approved] == ["https://lab.example/v1"]
    assert found.refused == {}
    assert HOSTS["lab"].default_url == "https://lab.example/v1"


def test_a_lockfile_cannot_give_a_known_host_another_address(tmp_path: Path) -> None:
    file, sent = tmp_path / "llmring.lock", Sent()
    file.write_text(LOCKFILE.replace("hosts.lab", "hosts.openai"))
    request = LLMRequest(messages=REQUEST.messages, model="openai:gpt-4o")
    with LLMRing.sync(lockfile_path=file, transport=sent) as ring, pytest.raises(UntrustedAddressError):
        ring.chat(request)
    open_trust_store().allow(file, file.read_bytes())
    with pytest.raises(ConfigurationError, match="already"):
        LLMRing.sync(lockfile_path=file, transport=sent)
    assert not sent.requests


def test_hosts_of_a_lockfile_are_read_and_written(tmp_path: Path) -> None:
    file = tmp_path / "llmring.lock"
    file.write_text(LOCKFILE)
    lockfile = load(file)
    assert lockfile.hosts["lab"].protocol == "openai"
    assert parse(emit(lockfile)).hosts == lockfile.hosts
    with pytest.raises(LockfileParseError, match=r"hosts\.lab"):
        parse(LOCKFILE + 'api_key = "sk-1"\n')


def test_a_file_of_hosts_that_is_nested_without_end_is_one_error(tmp_path: Path) -> None:
    file = tmp_path / "llmring" / "hosts.toml"
    file.parent.mkdir()
    file.write_text("a = " + "[" * 20_000)
    with pytest.raises(ConfigurationError, match="cannot read"):
        register_user_hosts({"XDG_CONFIG_HOME": str(tmp_path)})
