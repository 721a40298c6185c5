"""Approvals of files."""

import os
import stat
from pathlib import Path

import pytest
from llmring.exceptions import ConfigurationError
from llmring.trust import MAX_BYTES, TrustStore, open_trust_store, read_content

CONTENT = b"OPENAI_BASE_URL=http://127.0.0.1:8000\n"


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "config" / "trusted")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_bytes(CONTENT)
    return path


def test_an_approval_is_for_one_path_and_one_content(store: TrustStore, file: Path, tmp_path: Path) -> None:
    assert not store.trusts(file, CONTENT)
    store.allow(file, CONTENT)
    assert store.trusts(file, CONTENT)
    assert not store.trusts(file, CONTENT + b"\n")
    assert not store.trusts(tmp_path / "other" / ".env", CONTENT)


HOST = '[hosts.mine]\nbase_url = "{}"\n'


@pytest.mark.parametrize(
    ("name", "before", "after", "approved"),
    [
        (".env", 'LLMRING_PROFILE = "dev"\n', 'LLMRING_PROFILE = "prod"\n', False),  # TOML as well
        (".env", "", 'OPENAI_BASE_URL = "https://evil.example"\n', False),
        ("llmring.lock", HOST.format("http://a.example"), HOST.format("http://b.example"), False),
        (
            "llmring.lock",
            HOST.format("http://a.example"),
            HOST.format("http://a.example") + '[profiles.default]\nname = "default"\n',
            True,
        ),
    ],
)
def test_an_approval_is_for_the_whole_of_a_dotenv_file_and_for_the_hosts_of_a_lockfile(
    store: TrustStore, tmp_path: Path, name: str, before: str, after: str, approved: bool
) -> None:
    store.allow(tmp_path / name, before.encode())
    assert store.trusts(tmp_path / name, before.encode())
    assert store.trusts(tmp_path / name, after.encode()) is approved


def test_the_same_file_by_another_way_is_approved(
    store: TrustStore, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.allow(file, CONTENT)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    assert store.trusts(Path(".env"), CONTENT)
    assert store.trusts(tmp_path / "link" / ".env", CONTENT)


def test_a_link_to_an_approved_file_is_not_approved(store: TrustStore, file: Path, tmp_path: Path) -> None:
    store.allow(file, CONTENT)
    link = tmp_path / "cloned.env"
    link.symlink_to(file)
    assert not store.trusts(link, CONTENT)


def test_a_new_approval_ends_the_one_before(store: TrustStore, file: Path) -> None:
    store.allow(file, CONTENT)
    store.allow(file, b"new")
    assert not store.trusts(file, CONTENT)
    assert store.trusts(file, b"new")


def test_an_approval_can_be_revoked(store: TrustStore, file: Path) -> None:
    assert not store.revoke(file)
    store.allow(file, CONTENT)
    assert store.revoke(file)
    assert not store.trusts(file, CONTENT)


def test_an_approval_that_was_not_written_to_its_end_is_none(store: TrustStore, file: Path) -> None:
    store.allow(file, CONTENT)
    assert store.folder is not None
    [entry] = store.folder.iterdir()
    entry.write_bytes(b"")
    assert not store.trusts(file, CONTENT)
    store.allow(file, CONTENT)
    assert store.trusts(file, CONTENT)
    assert store.revoke(file)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_no_approval_is_looked_for_in_the_working_directory(
    variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "." if variable == "HOME" else str(tmp_path / "home"))
    folder = open_trust_store({variable: "."}).folder
    assert folder == (None if variable == "HOME" else tmp_path / "home" / ".config" / "llmring" / "trusted")


def test_the_list_says_which_files_are_still_as_approved(store: TrustStore, file: Path) -> None:
    assert store.files() == []
    store.allow(file, CONTENT)
    assert store.files() == [(file, True)]
    file.write_bytes(b"changed")
    assert store.files() == [(file, False)]
    file.unlink()
    assert store.files() == [(file, False)]
    file.mkdir()
    assert store.files() == [(file, False)]


def test_what_is_no_file_among_the_approvals_is_passed_over(store: TrustStore, file: Path) -> None:
    store.allow(file, CONTENT)
    assert store.folder is not None
    (store.folder / "folder").mkdir()
    assert store.files() == [(file, True)]
    assert store.revoke(file)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_approvals_are_readable_for_their_user_alone(store: TrustStore, file: Path) -> None:
    before = os.umask(0)
    try:
        store.allow(file, CONTENT)
    finally:
        os.umask(before)
    assert store.folder is not None
    (entry,) = store.folder.iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_without_a_home_nothing_is_approved(file: Path) -> None:
    store = TrustStore(None)
    assert (store.trusts(file, CONTENT), store.files(), store.revoke(file)) == (False, [], False)
    with pytest.raises(ConfigurationError, match="set HOME"):
        store.allow(file, CONTENT)


@pytest.mark.parametrize("named", ["", "relative/config"])
def test_approvals_are_in_the_configuration_folder(named: str, tmp_path: Path) -> None:
    assert open_trust_store({"XDG_CONFIG_HOME": str(tmp_path)}).folder == tmp_path / "llmring" / "trusted"
    assert open_trust_store({"XDG_CONFIG_HOME": named}).folder == Path.home() / ".config/llmring/trusted"


def test_only_regular_files_of_a_sensible_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * MAX_BYTES)
    assert read_content(path) == b"x" * MAX_BYTES
    path.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationError, match="more than 1,048,576 bytes"):
        read_content(path)


def test_a_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"{tmp_path.name} is not a regular file"):
        read_content(tmp_path)


OPEN_FILES = Path("/dev/fd")


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system lists no open files")
def test_what_is_refused_is_closed(tmp_path: Path) -> None:
    before = sorted(OPEN_FILES.iterdir())
    with pytest.raises(ConfigurationError):
        read_content(tmp_path)
    assert sorted(OPEN_FILES.iterdir()) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_pipe_that_nobody_writes_to_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigurationError, match="not a regular file"):
        read_content(tmp_path / "pipe")
