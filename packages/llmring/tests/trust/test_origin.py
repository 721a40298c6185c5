"""Variables of a .env file: which are taken, and where keys may go."""

import re
from pathlib import Path

import pytest
from llmring import LLMRequest, LLMRing, Message, _settings, provider_access
from llmring._settings import Settings
from llmring.exceptions import ConfigurationError, UntrustedAddressError
from llmring.trust import DOTENV_VARIABLE, Origin, select
from llmring_lockfile import Lockfile
from llmring_types.hosts import host_of

HOSTILE = [
    "PATH",
    "LD_PRELOAD",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "GIT_EXTERNAL_DIFF",
    "GIT_CONFIG_COUNT",
    "SSL_CERT_FILE",
    "OPENSSL_CONF",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "TMPDIR",
    "EDITOR",
    "PAGER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "OPENAI_ORG_ID",
    DOTENV_VARIABLE,
    "LLMRING_MADE_UP",
]
WRITING_OR_REPORTING = [
    "LLMRING_API_KEY",
    "LLMRING_LOCKFILE_PATH",
    "LLMRING_MAX_RESPONSE_BYTES",
    "LLMRING_PREFER_SAAS",
    "LLMRING_REGISTRY_URL",
    "LLMRING_SERVER_URL",
    "LLMRING_USAGE_LOG",
]
TAKEN = [
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_GEMINI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "OLLAMA_API_KEY",
    "OPENAI_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "OLLAMA_BASE_URL",
    "OLLAMA_HOST",
    "LLMRING_PROFILE",
    "LLMRING_PROVIDER_TIMEOUT_S",
    "LLMRING_ALLOW_NETWORK",
    "LLMRING_RETRY_ATTEMPTS",
    "LLMRING_RETRY_BASE_S",
    "LLMRING_RETRY_MAX_S",
    "LLMRING_STRICT_COST",
]


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_llmring_does_not_document_are_never_taken(name: str, approved: bool) -> None:
    assert select({name: "x"}, {}, approved=approved) == ({}, [], [name])


@pytest.mark.parametrize("name", WRITING_OR_REPORTING)
def test_settings_that_write_or_report_need_an_approval(name: str) -> None:
    assert select({name: "x"}, {}, approved=False) == ({}, [name], [])
    assert select({name: "x"}, {}, approved=True) == ({name: "x"}, [], [])
    assert select({name: "x"}, {name: "mine"}, approved=False) == ({}, [], [])


@pytest.mark.parametrize("name", TAKEN)
def test_keys_addresses_and_settings_of_calls_are_taken_but_never_over_the_environment(name: str) -> None:
    assert select({name: "x"}, {}, approved=False).taken == {name: "x"}
    assert select({name: "x"}, {name: "mine"}, approved=True).taken == {}
    assert select({name: "x"}, {name: ""}, approved=True).taken == {}


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize(
    ("mine", "files"),
    [
        ("OLLAMA_HOST", "OLLAMA_BASE_URL"),
        ("GEMINI_API_KEY", "GOOGLE_GEMINI_API_KEY"),
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    ],
)
def test_another_name_for_what_the_environment_has_does_not_displace_it(
    mine: str, files: str, approved: bool
) -> None:
    assert select({files: "x"}, {mine: "mine"}, approved=approved).taken == {}
    for empty in ("", " "):
        assert select({files: "x"}, {mine: empty}, approved=approved).taken == {files: "x"}


def test_every_setting_that_is_read_was_decided_on() -> None:
    """A new one is harmless in a file of a stranger, or it needs an approval."""
    source = Path(_settings.__file__).read_text()
    read = set(re.findall(r'"(LLMRING_[A-Z_]+)"', source)) - {DOTENV_VARIABLE}
    assert read
    assert select(dict.fromkeys(read, "x"), {}, approved=False).ignored == []


def test_names_of_providers_that_packages_bring_are_taken() -> None:
    values = {"ACME_API_KEY": "x", "ACME_BASE_URL": "y", "OTHER_API_KEY": "z"}
    chosen = select(values, {}, approved=False, providers=["acme"])
    assert (list(chosen.taken), chosen.ignored) == (["ACME_API_KEY", "ACME_BASE_URL"], ["OTHER_API_KEY"])


DETOURS = [
    ("openai", "OPENAI_API_KEY", "OPENAI_BASE_URL"),
    ("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    ("google", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    ("ollama", "OLLAMA_API_KEY", "OLLAMA_HOST"),
    ("acme", "ACME_API_KEY", "ACME_BASE_URL"),
]


def marked(*names: str) -> str:
    return str(Origin(frozenset(names), "/cloned/.env"))


@pytest.mark.parametrize(("provider", "key", "address"), DETOURS)
def test_a_key_of_the_users_own_is_withheld_from_an_address_of_a_file(
    provider: str, key: str, address: str
) -> None:
    environ = {key: "mine", address: "https://me:pw@elsewhere.example", DOTENV_VARIABLE: marked(address)}
    access = provider_access(provider, environ)
    assert access.api_key == ""
    assert access.refusal is not None
    assert access.refusal.file == "/cloned/.env"
    text = str(access.refusal)
    assert "llmring trust" in text
    assert "https://elsewhere.example" in text
    assert "mine" not in text
    assert "pw" not in text


@pytest.mark.parametrize(("provider", "key", "address"), DETOURS)
@pytest.mark.parametrize("whose", ["both the user's", "only the key the file's"])
def test_all_other_pairs_are_used(provider: str, key: str, address: str, whose: str) -> None:
    names = {"both the user's": (), "only the key the file's": (key,)}
    environ = {key: "a-key", address: "https://x.example", DOTENV_VARIABLE: marked(*names[whose])}
    access = provider_access(provider, environ)
    assert (access.api_key, access.base_url, access.refusal) == ("a-key", "https://x.example", None)


@pytest.mark.parametrize(("provider", "key", "address"), DETOURS)
@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example",
        "elsewhere.example:1",
        "http://10.0.0.1",
        "http://localhost@else.example",
        "",
    ],
)
def test_a_key_of_the_file_beside_its_address_does_not_get_the_prompts(
    provider: str, key: str, address: str, url: str
) -> None:
    environ = {key: "theirs", address: url or "//", DOTENV_VARIABLE: marked(address, key)}
    access = provider_access(provider, environ)
    assert access.api_key == ""
    assert "so your prompts would be sent to" in str(access.refusal)


@pytest.mark.parametrize("name", ["OLLAMA_BASE_URL", "OLLAMA_HOST", "ACME_BASE_URL"])
def test_a_host_without_a_key_gets_no_prompts_at_an_address_of_a_file(name: str) -> None:
    provider = name.partition("_")[0].lower()
    environ = {name: "http://elsewhere.example:11434", DOTENV_VARIABLE: marked(name)}
    refusal = provider_access(provider, environ).refusal
    assert str(refusal) == (
        f"/cloned/.env sets {name}, so your prompts would be sent to http://elsewhere.example:11434; "
        "nothing was sent. If you trust that address, run: llmring trust"
    )


CLOUDS: list[tuple[str, dict[str, str], str]] = [
    ("azure", {"AZURE_OPENAI_RESOURCE": "thief"}, "AZURE_OPENAI_RESOURCE"),
    ("azure", {"AZURE_OPENAI_ENDPOINT": "https://thief.test"}, "AZURE_OPENAI_ENDPOINT"),
    (
        "azure-deployments",
        {"AZURE_OPENAI_RESOURCE": "thief", "OPENAI_API_VERSION": "2024-10-21"},
        "AZURE_OPENAI_RESOURCE",
    ),
    *(
        (name, {"GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"}, foreign)
        for name in ("vertex", "vertex-anthropic")
        for foreign in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION")
    ),
    ("bedrock", {"AWS_REGION": "eu-west-1"}, "AWS_REGION"),
    ("bedrock", {"AWS_DEFAULT_REGION": "eu-west-1"}, "AWS_DEFAULT_REGION"),
]


@pytest.mark.parametrize(("provider", "values", "foreign"), CLOUDS)
def test_an_account_at_a_cloud_that_a_file_names_gets_neither_key_nor_prompt(
    provider: str, values: dict[str, str], foreign: str
) -> None:
    environ = {**values, host_of(provider).key_variables[0]: "mine"}
    assert provider_access(provider, environ).api_key == "mine"
    withheld = provider_access(provider, {**environ, DOTENV_VARIABLE: marked(foreign)})
    assert withheld.refusal is not None
    assert withheld.api_key == ""
    assert provider_access(provider, {**values, DOTENV_VARIABLE: marked(foreign)}).refusal is not None


def test_a_region_of_a_file_that_is_not_used_does_not_matter() -> None:
    environ = {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}
    access = provider_access("bedrock", {**environ, DOTENV_VARIABLE: marked("AWS_DEFAULT_REGION")})
    assert (access.base_url, access.refusal) == ("https://bedrock-runtime.eu-west-1.amazonaws.com", None)


@pytest.mark.parametrize(
    "url", ["http://localhost:11434", "127.0.0.1", "127.0.0.1:1", "http://[::1]:11434/v1", "http://LOCALHOST"]
)
def test_prompts_may_go_to_this_machine(url: str) -> None:
    environ = {"OLLAMA_BASE_URL": url, DOTENV_VARIABLE: marked("OLLAMA_BASE_URL")}
    assert provider_access("ollama", environ).refusal is None
    mine = {**environ, "OLLAMA_API_KEY": "mine"}
    assert provider_access("ollama", mine).refusal is not None


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("LLMRING_RETRY_ATTEMPTS", "10"),
        ("LLMRING_RETRY_BASE_S", "60"),
        ("LLMRING_RETRY_MAX_S", "600"),
        ("LLMRING_PROVIDER_TIMEOUT_S", "600"),
    ],
)
def test_an_unapproved_file_sets_no_number_beyond_reason(name: str, most: str) -> None:
    for text in (f"{most}.5", "1e300", "none"):
        with pytest.raises(ConfigurationError, match=f"/cloned/.env sets {name} to more than {most},.*trust"):
            Settings.from_environment({name: text, DOTENV_VARIABLE: marked(name)})
    for text in (most, ""):
        Settings.from_environment({name: text, DOTENV_VARIABLE: marked(name)})
    Settings.from_environment({name: "1e6", DOTENV_VARIABLE: marked("LLMRING_PROFILE")})


def test_every_number_that_a_file_may_set_is_bounded() -> None:
    """A new one in the settings is bounded, or needs an approval."""
    source = Path(_settings.__file__).read_text()
    numbers = set(re.findall(r'_number\(environ, "(LLMRING_[A-Z_]+)"', source))
    assert numbers
    for name in numbers:
        with pytest.raises(ConfigurationError):
            Settings.from_environment({name: "1e9", DOTENV_VARIABLE: marked(name)})


async def test_a_ring_refuses_at_the_moment_of_use_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(DOTENV_VARIABLE, marked("OPENAI_BASE_URL"))
    async with LLMRing(lockfile=Lockfile()) as ring:
        with pytest.raises(UntrustedAddressError):
            ring.get_provider("openai")
        with pytest.raises(UntrustedAddressError):
            ring.providers["openai"]
        with pytest.raises(UntrustedAddressError):
            ring.register_provider("openai", api_key="another of mine")
        with pytest.raises(UntrustedAddressError) as refused:
            await ring.chat(LLMRequest([Message(role="user", content="Hi")], model="openai:gpt-5"))
        assert [attempt.outcome for attempt in refused.value.attempts] == ["skipped"]
        ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:8")
        assert ring.get_provider("openai") is not None
