import os
from pathlib import Path

import msgspec
import pytest
from llmring.registry import CachedCopy, RegistryCache, default_cache_dir
from llmring.registry._location import Location

HERE, THERE = Location.parse("https://here.example"), Location.parse("https://there.example")


def copy(location: Location, version: int | None = None, text: bytes = b"{}") -> CachedCopy:
    return CachedCopy(
        url=location.document("openai", version),
        fetched_at=1,
        checked_at=2,
        document=msgspec.Raw(text),
        etag='"1"',
    )


def test_a_copy_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    RegistryCache(tmp_path, HERE).store("openai", copy(HERE, text=b'{"models":{}}'))
    found = RegistryCache(tmp_path, HERE).load("openai")
    assert found == copy(HERE, text=b'{"models":{}}')


def test_registries_and_versions_never_answer_for_each_other(tmp_path: Path) -> None:
    here, there = RegistryCache(tmp_path, HERE), RegistryCache(tmp_path, THERE)
    here.store("openai", copy(HERE))
    assert there.load("openai") is None
    assert here.load("openai", 3) is None
    assert here.load("google") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"url": "x"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"document": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        msgspec.json.encode(msgspec.structs.replace(copy(HERE), checked_at=1e300)),
        msgspec.json.encode(msgspec.structs.replace(copy(HERE), fetched_at=-1.0)),
    ],
)
def test_an_unreadable_copy_is_no_copy(tmp_path: Path, content: bytes) -> None:
    cache = RegistryCache(tmp_path, HERE)
    cache.store("openai", copy(HERE))
    path = cache.path("openai")
    assert path is not None
    path.write_bytes(content)
    assert cache.load("openai") is None
    assert list(cache.copies()) == []
    cache.store("openai", copy(HERE))
    assert cache.load("openai") == copy(HERE)


def test_a_copy_of_another_address_is_no_copy(tmp_path: Path) -> None:
    cache = RegistryCache(tmp_path, HERE)
    cache.store("openai", copy(THERE))
    assert cache.load("openai") is None


def test_nothing_but_whole_files_is_left_behind(tmp_path: Path) -> None:
    cache = RegistryCache(tmp_path, HERE)
    for _ in range(3):
        cache.store("openai", copy(HERE))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["openai.json"]


@pytest.mark.parametrize("blocked", [True, False])
def test_without_a_folder_to_write_copies_last_as_long_as_the_process(tmp_path: Path, blocked: bool) -> None:
    (tmp_path / "file").touch()
    folder = (
        tmp_path / "file" / "cache" if blocked else None
    )  # below a file nothing can be made, not even by root
    cache = RegistryCache(folder, HERE)
    cache.store("openai", copy(HERE))
    assert cache.load("openai") == copy(HERE)
    assert list(cache.copies()) == []
    assert RegistryCache(folder, HERE).load("openai") is None
    assert cache.clear() == 0
    assert cache.load("openai") is None


def test_copies_of_every_registry_are_listed_and_cleared(tmp_path: Path) -> None:
    here, there = RegistryCache(tmp_path, HERE), RegistryCache(tmp_path, THERE)
    here.store("openai", copy(HERE))
    here.store("openai", copy(HERE, 3), 3)
    there.store("openai", copy(THERE))
    other = tmp_path / "notes.txt"
    other.touch()
    assert {found.url for _, found in here.copies()} == {
        "https://here.example/openai/models.json",
        "https://here.example/openai/v/3/models.json",
        "https://there.example/openai/models.json",
    }
    assert here.clear() == 3
    assert list(there.copies()) == []
    assert other.exists()


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_CACHE_HOME": "/x/cache"}, Path("/x/cache/llmring/registry")),
        ({"XDG_CACHE_HOME": "relative"}, None),
        ({}, None),
    ],
)
def test_the_folder_is_the_users(environ: dict[str, str], folder: Path | None) -> None:
    assert default_cache_dir(environ) == (folder or Path.home() / ".cache" / "llmring" / "registry")


def test_a_user_without_a_home_has_no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert default_cache_dir({}) is None


def test_a_relative_home_is_no_folder_of_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", ".")
    assert default_cache_dir({}) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_copy_that_never_ends_is_no_copy(tmp_path: Path) -> None:
    cache = RegistryCache(tmp_path, HERE)
    path = cache.path("openai")
    assert path is not None
    path.parent.mkdir()
    os.mkfifo(path)
    (path.parent / "google.json").symlink_to("/dev/zero")
    assert cache.load("openai") is None
    assert list(cache.copies()) == []
