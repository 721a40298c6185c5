import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_lockfile import BUNDLED, bind, create_lockfile, editing, parse, unbind
from llmring_lockfile._atomic import open_to_lock
from llmring_lockfile._editing import exclusive
from llmring_lockfile._files import read_text, signature
from llmring_types.exceptions import (
    LockfileError,
    LockfileExistsError,
    LockfileNotFoundError,
    LockfileParseError,
    LockfileWriteError,
    ModelReferenceError,
    ValidationError,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "llmring.lock"
    create_lockfile(path, bindings={"fast": "openai:gpt-4o-mini"})
    return path


def test_a_new_lockfile_has_one_profile_and_the_bindings_asked_for(path: Path) -> None:
    lockfile = parse(read_text(path), path)
    assert list(lockfile.profiles) == ["default"]
    assert lockfile.profile().aliases == ("fast",)
    assert lockfile.created_at == lockfile.updated_at


def test_a_new_lockfile_may_be_json(tmp_path: Path) -> None:
    lockfile = create_lockfile(tmp_path / "x.json", bindings={"a": "openai:x"})
    assert (tmp_path / "x.json").read_text().startswith('{\n  "version": "1.0"')
    assert lockfile.profile().aliases == ("a",)


def test_a_lockfile_that_exists_is_written_over_only_by_force(path: Path) -> None:
    with pytest.raises(LockfileExistsError, match="--force") as caught:
        create_lockfile(path)
    assert isinstance(caught.value, FileExistsError)
    path.chmod(0o640)
    create_lockfile(path, force=True)
    assert parse(read_text(path)).profile().aliases == ()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_binding_and_unbinding_change_the_file(path: Path) -> None:
    assert bind(path, "deep", "openai:o3", environ={}).profile().aliases == ("fast", "deep")
    assert unbind(path, "fast", environ={})
    assert not unbind(path, "fast", environ={})
    assert parse(read_text(path)).profile().aliases == ("deep",)


def test_the_environments_profile_is_where_an_alias_goes_and_is_taken_from(path: Path) -> None:
    environ = {"LLMRING_PROFILE": "dev"}
    bind(path, "a", "openai:x", environ=environ)
    bind(path, "b", "openai:x", profile="prod", environ=environ)
    lockfile = parse(read_text(path))
    assert (lockfile.profile("dev").aliases, lockfile.profile("prod").aliases) == (("a",), ("b",))
    assert unbind(path, "a", environ=environ)


def test_binding_makes_a_lockfile_only_where_told(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    with pytest.raises(LockfileNotFoundError, match="llmring lock init"):
        bind(path, "a", "openai:x")
    assert bind(path, "a", "openai:x", create=True, environ={}).profile().aliases == ("a",)
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_and_links_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o604)
    link = tmp_path / "link.lock"
    link.symlink_to(path)
    bind(link, "a", "openai:x", environ={})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert "openai:x" in path.read_text()


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
@pytest.mark.parametrize("mark", [".git", "pyproject.toml", None])
@pytest.mark.parametrize("linked", ["file", "folder"])
def test_a_link_of_a_repository_writes_nothing_outside_it(
    tmp_path: Path, mark: str | None, linked: str
) -> None:
    outside, repository = tmp_path / "outside", tmp_path / "repository"
    repository.mkdir()
    outside.mkdir()
    create_lockfile(outside / "llmring.lock")
    before = (outside / "llmring.lock").read_bytes()
    if mark is not None:
        (repository / mark).touch()
    if linked == "file" or mark is None:
        path = repository / "llmring.lock"
        path.symlink_to("../outside/llmring.lock")
    else:
        (repository / "src").symlink_to("../outside")
        path = repository / "src" / "llmring.lock"
    with pytest.raises(LockfileWriteError, match=r"leads out of .*repository to .*outside"):
        bind(path, "a", "openai:x", environ={})
    with pytest.raises(LockfileWriteError, match="leads out of"):
        create_lockfile(path, force=True)
    assert (outside / "llmring.lock").read_bytes() == before
    assert list(outside.iterdir()) == [outside / "llmring.lock"]


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
@pytest.mark.parametrize("mark", [".git", "pyproject.toml", None])
@pytest.mark.parametrize("there", [".git", "pyproject.toml", None])
def test_a_linked_folder_that_looks_like_a_repository_is_outside_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str | None, there: str | None
) -> None:
    outside, repository = tmp_path / "outside", tmp_path / "repository"
    for folder, name in ((outside, there), (repository, mark)):
        folder.mkdir()
        if name is not None:
            (folder / name).touch()
    create_lockfile(outside / "llmring.lock")
    before = (outside / "llmring.lock").read_bytes()
    (repository / "src").symlink_to("../outside")
    monkeypatch.chdir(repository)
    for path in (Path("src/llmring.lock"), repository / "src" / "llmring.lock"):
        with pytest.raises(LockfileWriteError, match=r"leads out of .*repository to .*outside"):
            bind(path, "a", "openai:x", environ={})
        with pytest.raises(LockfileWriteError, match="leads out of"):
            create_lockfile(path, force=True)
    assert (outside / "llmring.lock").read_bytes() == before


def test_a_link_to_another_folder_of_the_repository_is_followed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "pyproject.toml").touch()
    create_lockfile(tmp_path / "llmring.lock")
    link = tmp_path / "part" / "llmring.lock"
    link.symlink_to("../llmring.lock")
    bind(link, "a", "openai:x", environ={})
    assert link.is_symlink()
    assert parse(read_text(tmp_path / "llmring.lock")).profile().aliases == ("a",)


def edit_and_fail(path: Path, second: str) -> None:
    with editing(path) as document:
        document.bind("a", "openai:x")
        document.bind("b", second)
        raise KeyError("in the block")


@pytest.mark.parametrize(("second", "error"), [("odd", ModelReferenceError), ("openai:y", KeyError)])
def test_what_raises_writes_nothing_and_leaves_nothing_behind(
    path: Path, second: str, error: type[Exception]
) -> None:
    before = path.read_bytes()
    with pytest.raises(error):
        edit_and_fail(path, second)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_edit_that_changes_nothing_does_not_touch_the_file(path: Path) -> None:
    before = signature(path)
    bind(path, "fast", "openai:gpt-4o-mini", environ={})
    assert signature(path) == before


def test_the_bundled_lockfile_is_never_written(tmp_path: Path) -> None:
    link = tmp_path / "llmring.lock"
    link.symlink_to(BUNDLED)
    before = BUNDLED.read_bytes()
    for path in (BUNDLED, link):
        with pytest.raises(LockfileWriteError, match=r"never written.*llmring lock init"):
            bind(path, "a", "openai:x")
        with pytest.raises(LockfileWriteError, match="never written"):
            create_lockfile(path, force=True)
    assert BUNDLED.read_bytes() == before


def test_a_file_that_nobody_may_write_is_not_written_even_by_root(path: Path) -> None:
    path.chmod(0o444)
    with pytest.raises(LockfileWriteError, match=r"read-only.*llmring lock init --file") as caught:
        bind(path, "a", "openai:x")
    assert isinstance(caught.value, OSError)


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "pipe"
    make(path)
    before = path.stat()
    with pytest.raises(LockfileWriteError, match="Name a file"):
        create_lockfile(path, force=True)
    with pytest.raises(LockfileWriteError, match="Name a file"):
        bind(path, "a", "openai:x", create=True)
    assert path.stat() == before


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_path_without_a_name_is_told(name: str) -> None:
    with pytest.raises(LockfileWriteError, match="is a folder"):
        create_lockfile(Path(name))


def test_a_folder_that_cannot_be_written_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuse(name: os.PathLike[str], flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(LockfileWriteError, match=r"cannot write .*: Permission denied"):
        bind(path, "a", "openai:x")
    with pytest.raises(LockfileWriteError, match=r"cannot write .*: Permission denied"):
        create_lockfile(path.with_name("other.lock"))


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(LockfileNotFoundError, match=r"there is no .*absent"):
        create_lockfile(tmp_path / "absent" / "llmring.lock")


def test_a_new_file_without_hard_links_is_still_never_put_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", unsupported)
    path = tmp_path / "llmring.lock"
    create_lockfile(path)
    with pytest.raises(LockfileExistsError):
        create_lockfile(path)
    assert list(tmp_path.iterdir()) == [path]


def test_another_writer_is_waited_for_and_then_named(path: Path) -> None:
    with exclusive(path, 0), pytest.raises(LockfileWriteError, match=r"for 0\.01 seconds"):
        bind(path, "a", "openai:x", timeout=0.01)
    bind(path, "a", "openai:x", timeout=0)


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [(None, LockfileNotFoundError, "there is no lockfile"), (b"\xff", LockfileParseError, "UTF-8")],
)
def test_what_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None, error: type[LockfileError], says: str
) -> None:
    path = tmp_path / "llmring.lock"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=says):
        read_text(path)


def test_a_folder_cannot_be_read_as_a_lockfile(tmp_path: Path) -> None:
    with pytest.raises(LockfileError, match="cannot read the lockfile"):
        read_text(tmp_path)


def test_a_file_replaced_while_it_was_waited_for_is_opened_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = open_to_lock
    opened: list[int] = []

    def replaced_meanwhile(target: Path) -> int:
        handle = real(target)
        if not opened:
            copy = target.with_suffix(".new")
            copy.write_bytes(target.read_bytes())
            copy.replace(target)
        opened.append(handle)
        return handle

    monkeypatch.setattr("llmring_lockfile._editing.open_to_lock", replaced_meanwhile)
    bind(path, "a", "openai:x", environ={})
    assert len(opened) == 2
    assert parse(path.read_text()).profile().aliases == ("fast", "a")


def test_a_file_removed_while_it_was_waited_for_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open_to_lock

    def removed_meanwhile(target: Path) -> int:
        handle = real(target)
        target.unlink()
        return handle

    monkeypatch.setattr("llmring_lockfile._editing.open_to_lock", removed_meanwhile)
    with pytest.raises(LockfileNotFoundError, match="there is no"):
        bind(path, "a", "openai:x", environ={})


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    with monkeypatch.context() as patched:
        if call == "fsync":
            patched.setattr(os, "fsync", full)
        else:
            patched.setattr(Path, "replace", full)
        with pytest.raises(LockfileWriteError, match="No space left on device"):
            bind(path, "a", "openai:x", environ={})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "chown"), reason="owners are of POSIX")
@pytest.mark.parametrize("allowed", [True, False])
def test_the_owner_stays_where_that_is_allowed(
    path: Path, monkeypatch: pytest.MonkeyPatch, allowed: bool
) -> None:
    given: list[tuple[int, int]] = []

    def chown(_: Path, user: int, group: int) -> None:
        given.append((user, group))
        if not allowed:
            raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    monkeypatch.setattr(os, "chown", chown)
    bind(path, "a", "openai:x", environ={})
    assert given == [(path.stat().st_uid, path.stat().st_gid)]
    assert "openai:x" in path.read_text()


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "circle.lock"])
def test_what_can_be_no_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "circle.lock").symlink_to(tmp_path / "other.lock")
    (tmp_path / "other.lock").symlink_to(tmp_path / "circle.lock")
    with pytest.raises(LockfileWriteError):
        bind(tmp_path / name, "a", "openai:x", create=True)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["circle.lock", "other.lock"]


@pytest.mark.parametrize("edit", [{"alias": "\udcff"}, {"models": "openai:\udcff"}, {"profile": "\udcff"}])
def test_a_name_that_is_no_utf8_is_told_and_nothing_written(path: Path, edit: dict[str, str]) -> None:
    before = path.read_bytes()
    with pytest.raises(ValidationError, match="not the name of"):
        bind(path, **{"alias": "a", "models": "openai:x", "profile": "dev", **edit})  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_error_of_the_one_who_edits_stays_what_it_is(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="mine") as caught, editing(path):
        raise FileNotFoundError("mine")
    assert not isinstance(caught.value, LockfileError)


def test_an_edit_that_fails_leaves_no_new_lockfile(tmp_path: Path) -> None:
    path = tmp_path / "new.lock"
    for alias, models in (("fast", "gpt-5"), (" fast", "openai:gpt-5"), ("fast", "")):
        with pytest.raises(ValueError):  # noqa: PT011 - each has an error of its own
            bind(path, alias, models, create=True)
        assert not path.exists()
