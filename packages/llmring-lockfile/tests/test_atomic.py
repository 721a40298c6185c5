import errno
import io
import multiprocessing
import os
import signal
import stat
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from llmring_lockfile import _atomic, replacing, write_atomically

METHODS = multiprocessing.get_all_start_methods()
PROCESSES = multiprocessing.get_context("fork" if "fork" in METHODS else None)
posix = pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are POSIX's")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_created_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_where_it_may_not_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"one", replace=False)
    with pytest.raises(FileExistsError):
        write_atomically(path, b"two", replace=False)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
@pytest.mark.parametrize("before", [None, 0o644, 0o666])
def test_a_private_file_is_its_owners_alone_whatever_the_umask(
    tmp_path: Path, umask: int, before: int | None
) -> None:
    path = tmp_path / "new" / "file" if before is None else tmp_path / "file"
    if before is not None:
        path.touch()
        path.chmod(before)
    old = os.umask(umask & 0o077)
    try:
        write_atomically(path, b"key", private=True, folders=True)
    finally:
        os.umask(old)
    assert mode(path) == 0o600
    assert before is not None or mode(path.parent) == 0o700


@posix
@pytest.mark.parametrize(("before", "private"), [(None, True), (0o666, True), (0o600, False), (0o640, False)])
def test_a_private_file_is_its_owners_alone_while_it_is_written(
    tmp_path: Path, before: int | None, private: bool
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.touch()
        path.chmod(before)
    old = os.umask(0)
    try:
        with replacing(path, private=private) as file:
            file.write(b"key")
            file.flush()
            (draft,) = (each for each in tmp_path.iterdir() if each != path)
            assert mode(draft) == 0o600
    finally:
        os.umask(old)
    assert mode(path) == (0o600 if private else before)


@posix
def test_new_folders_have_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new" / "inner" / "file", b"", folders=True)
    finally:
        os.umask(old)
    assert [mode(tmp_path / name) for name in ("new", "new/inner")] == [0o750] * 2


@posix
def test_no_umask_makes_a_private_file_unreadable_for_its_owner(tmp_path: Path) -> None:
    old = os.umask(0o777)
    try:
        write_atomically(tmp_path / "file", b"key", private=True)
    finally:
        os.umask(old)
    assert mode(tmp_path / "file") == 0o600


@posix
def test_the_mode_of_an_existing_file_stays_and_a_new_one_has_the_umasks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    old = os.umask(0o027)
    try:
        write_atomically(path, b"one")
        assert mode(path) == 0o640
        path.chmod(0o604)
        write_atomically(path, b"two")
    finally:
        os.umask(old)
    assert mode(path) == 0o604


def write_half(path: Path) -> None:
    with replacing(path) as file:
        file.write(b"half")
        raise KeyError


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")
    with pytest.raises(KeyError):
        write_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_block_may_close_the_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "file") as file, io.TextIOWrapper(file, encoding="utf-8") as text:
        text.write("é")
    assert (tmp_path / "file").read_text(encoding="utf-8") == "é"


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_atomically(path, b"x")
    assert path.read_bytes() == b"x"


@posix
@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
def test_names_need_not_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"folder \xff") / os.fsdecode(b"\xfe")
    write_atomically(path, b"x", folders=True)
    assert path.read_bytes() == b"x"


@posix
def test_a_link_is_refused_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_bytes(b"mine")
    link.symlink_to(victim)
    with pytest.raises(OSError, match=r"is a symbolic link to .*victim") as caught:
        write_atomically(link, b"theirs")
    assert caught.value.errno == errno.ELOOP
    assert victim.read_bytes() == b"mine"
    write_atomically(link, b"wanted", follow=True)
    assert link.is_symlink()
    assert victim.read_bytes() == b"wanted"


@posix
@pytest.mark.parametrize(
    ("make", "name", "follow"),
    [
        ("file", "out", True),  # out -> ../outside/victim
        ("folder", "src/victim", False),  # src -> ../outside
        ("folder", "src/victim", True),
        ("folder", "src/new", False),
    ],
)
def test_a_link_of_a_folder_that_is_not_trusted_leads_nowhere_else(
    tmp_path: Path, make: str, name: str, follow: bool
) -> None:
    outside, repository = tmp_path / "outside", tmp_path / "repository"
    outside.mkdir()
    repository.mkdir()
    (outside / "victim").write_bytes(b"mine")
    if make == "file":
        (repository / "out").symlink_to("../outside/victim")
    else:
        (repository / "src").symlink_to("../outside")
    with pytest.raises(OSError, match=r"leads out of .*repository to .*outside") as caught:
        write_atomically(repository / name, b"theirs", follow=follow, inside=repository)
    assert caught.value.errno == errno.ELOOP
    assert [(file.name, file.read_bytes()) for file in outside.iterdir()] == [("victim", b"mine")]


@posix
def test_links_that_stay_inside_and_files_named_elsewhere_are_written(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    (repository / "real").mkdir(parents=True)
    (repository / "src").symlink_to("real")
    write_atomically(repository / "src" / "file", b"x", inside=repository)
    write_atomically(tmp_path / "elsewhere", b"x", inside=repository)
    assert (repository / "real" / "file").read_bytes() == b"x"
    assert (tmp_path / "elsewhere").read_bytes() == b"x"


@posix
def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="not a regular file"):
        write_atomically(pipe, b"")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"")
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("name", ["a\0b", "circle/file"])
def test_what_can_be_no_file_is_an_os_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with pytest.raises(OSError):  # noqa: PT011 - each system has its own words
        write_atomically(tmp_path / name, b"", folders=True)


def write_and_wait(path: Path, started: Connection) -> None:
    with replacing(path) as file:
        file.write(b"half")
        started.send(None)
        signal.pause()


@pytest.mark.skipif("fork" not in METHODS, reason="needs quick processes")
def test_a_temporary_file_is_swept_once_its_writer_was_killed_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "file"
    started, send = PROCESSES.Pipe(duplex=False)
    writer = PROCESSES.Process(target=write_and_wait, args=(path, send))
    with started, send:
        writer.start()
        assert started.poll(60)
        write_atomically(tmp_path / "other", b"x")
        assert sorted(file.name.split(".")[0] for file in tmp_path.iterdir()) == ["", "other"]
        writer.kill()
        writer.join(timeout=60)
    write_atomically(tmp_path / "other", b"x")
    assert list(tmp_path.iterdir()) == [tmp_path / "other"]


def test_a_writer_that_is_swept_before_it_holds_its_lock_begins_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _atomic._lock
    seen: list[int] = []

    def swept(handle: int) -> bool | None:
        seen.append(handle)
        if len(seen) == 1:
            _atomic._sweep(tmp_path)  # locks the new file and removes it
        return real(handle)

    monkeypatch.setattr(_atomic, "_lock", swept)
    write_atomically(tmp_path / "file", b"x")
    assert len(seen) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(("age", "left"), [(0, 1), (7200, 0)])
def test_without_locks_only_old_temporary_files_are_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: int, left: int
) -> None:
    draft = tmp_path / f".file.{'0' * 16}.llmring.tmp"
    draft.touch()
    then = draft.stat().st_mtime - age
    os.utime(draft, (then, then))
    monkeypatch.setattr(_atomic, "_lock", lambda _: None)
    write_atomically(tmp_path / "file", b"x")
    assert len(list(tmp_path.iterdir())) == 1 + left


@posix
def test_of_a_writer_killed_after_its_file_had_its_name_only_the_other_name_goes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"x")
    os.link(path, tmp_path / f".file.{'0' * 16}.llmring.tmp")
    with path.open("rb") as held:
        assert _atomic._lock(held.fileno())
        write_atomically(tmp_path / "other", b"x")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "other"]


@posix
def test_files_that_only_look_like_temporary_ones_stay(tmp_path: Path) -> None:
    names = {".file.0123.llmring.tmp", f"file.{'0' * 16}.llmring.tmp", f".file.{'0' * 16}.tmp"}
    for name in names:
        (tmp_path / name).touch()
    link = tmp_path / f".link.{'0' * 16}.llmring.tmp"
    link.symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / f".pipe.{'0' * 16}.llmring.tmp")
    write_atomically(tmp_path / "file", b"x")
    assert len(list(tmp_path.iterdir())) == 6
