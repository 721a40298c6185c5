"""Keys that the user keeps."""

import stat
import sys
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import NoKeyringError, PasswordDeleteError
from llmring import LLMRing, provider_access, provider_status
from llmring._settings import known_secrets
from llmring.keys import KeyStore, open_key_store
from llmring_types.exceptions import ConfigurationError, ProviderNotFoundError
from llmring_types.hosts import HOSTS

KEY = "sk-kept-0123456789abcdef"


class MemoryKeyring(KeyringBackend):
    """A keyring of this process."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("not found")


class LockedKeyring(MemoryKeyring):
    """A keyring that cannot be opened."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NoKeyringError(f"{password} cannot be kept")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in HOSTS["openai"].key_variables:
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "llmring"


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend


def test_a_kept_key_is_the_providers_where_the_environment_has_none(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ProviderNotFoundError, match="or run: llmring keys set openai"):
        LLMRing().get_provider("openai")
    open_key_store().keep("openai", f" {KEY}\n")
    access = provider_access("openai")
    assert (access.api_key, access.key_from, access.missing) == (KEY, "llmring keys", None)
    LLMRing().get_provider("openai")
    (status,) = (row for row in provider_status() if row.name == "openai")
    assert (status.configured, status.key_from) == (True, "llmring keys")
    assert KEY in known_secrets()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    assert provider_access("openai").key_from == "OPENAI_API_KEY"
    assert provider_access("openai").api_key == "sk-other"


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX")
def test_the_file_is_readable_for_its_owner_alone(home: Path) -> None:
    path = open_key_store().keep("openai", KEY)
    assert path == home / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    open_key_store().keep("anthropic", KEY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_replaced_and_removed(home: Path) -> None:
    store = open_key_store()
    store.keep("openai", KEY)
    store.keep("anthropic", "first")
    store.keep("anthropic", "second")
    again = open_key_store()
    assert dict(again) == {"anthropic": "second", "openai": KEY}
    assert again.remove("anthropic")
    assert not again.remove("anthropic")
    assert list(open_key_store()) == ["openai"]
    assert KEY not in repr(open_key_store())


@pytest.mark.parametrize("key", ["", " \n", "two words", "clé", "a\nb", "x" * 20_000])
def test_what_is_no_key_is_refused_without_being_shown(home: Path, key: str) -> None:
    with pytest.raises(ConfigurationError, match="that is no key of openai") as caught:
        open_key_store().keep("openai", key)
    assert not key.strip() or key not in str(caught.value)
    assert not home.exists()


@pytest.mark.parametrize("text", ["{", '{"keys": {"openai": 1}}', '{"other": "sk-secret"}', "[" * 100_000])
def test_a_file_that_cannot_be_read_is_named_and_not_quoted(home: Path, text: str) -> None:
    home.mkdir(parents=True)
    (home / "keys.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"keys\.json: it is not the JSON") as caught:
        LLMRing()
    assert "sk-secret" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert KEY not in known_secrets()


def test_a_folder_in_the_place_of_the_file_is_named(home: Path) -> None:
    (home / "keys.json").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"keys\.json is not a regular file"):
        open_key_store()


def test_nothing_is_kept_without_a_home() -> None:
    store = KeyStore(None)
    assert (len(store), store.get("openai")) == (0, None)
    with pytest.raises(ConfigurationError, match="set HOME"):
        store.keep("openai", KEY)


def test_a_key_in_the_keyring_is_not_in_the_file(home: Path, memory: MemoryKeyring) -> None:
    store = open_key_store()
    path = store.keep("openai", KEY, place="keyring")
    assert KEY not in path.read_text()
    assert memory.kept == {("llmring", "openai"): KEY}
    assert provider_access("openai").api_key == KEY
    assert open_key_store().place("openai") == "keyring"
    store.keep("openai", "sk-in-file")
    assert memory.kept == {}
    assert provider_access("openai").api_key == "sk-in-file"
    store.keep("openai", KEY, place="keyring")
    assert "sk-in-file" not in path.read_text()
    assert store.remove("openai")
    assert (memory.kept, len(open_key_store())) == ({}, 0)


def test_a_key_that_the_keyring_has_lost_is_told(home: Path, memory: MemoryKeyring) -> None:
    open_key_store().keep("openai", KEY, place="keyring")
    memory.kept.clear()
    with pytest.raises(ConfigurationError, match="no key of openai any more; run: llmring keys set openai"):
        provider_access("openai")
    assert open_key_store().remove("openai")


def test_a_keyring_that_cannot_be_used_is_told_without_the_key(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", LockedKeyring())
    with pytest.raises(ConfigurationError, match="NoKeyringError") as caught:
        open_key_store().keep("openai", KEY, place="keyring")
    assert KEY not in str(caught.value)
    assert not (home / "keys.json").exists()
