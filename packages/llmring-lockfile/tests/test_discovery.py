import os
import sys
from pathlib import Path

import pytest
from llmring_lockfile import (
    BUNDLED,
    Found,
    active_profile,
    bind,
    create_lockfile,
    discover,
    load,
    new_lockfile_path,
    parse,
)
from llmring_types.exceptions import LockfileError, LockfileNotFoundError, LockfileParseError

LOCK = 'version = "1.0"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a package, and no lockfile yet."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "my-app"\n')
    package = tmp_path / "src" / "my_app"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    return tmp_path


def test_each_place_is_looked_at_in_order(project: Path) -> None:
    explicit, named = project / "explicit.lock", project / "named.lock"
    here, inside = project / "llmring.lock", project / "src" / "my_app" / "llmring.lock"
    environ = {"LLMRING_LOCKFILE_PATH": str(named)}
    for path in (explicit, named, here, inside):
        path.write_text(LOCK)
    assert discover(explicit, environ=environ, directory=project) == Found(explicit, "argument")
    assert discover(environ=environ, directory=project) == Found(named, "environment")
    assert discover(environ={}, directory=project) == Found(here, "working directory")
    here.unlink()
    assert discover(environ={}, directory=project) == Found(inside, "project package", (here,))
    inside.unlink()
    assert discover(environ={}, directory=project) == Found(BUNDLED, "bundled", (here, inside))


def test_outside_of_any_project_only_the_working_directory_is_looked_at(tmp_path: Path) -> None:
    assert discover(environ={}, directory=tmp_path) == Found(BUNDLED, "bundled", (tmp_path / "llmring.lock",))


def test_an_empty_variable_names_no_file(tmp_path: Path) -> None:
    assert discover(environ={"LLMRING_LOCKFILE_PATH": " "}, directory=tmp_path).is_bundled


@pytest.mark.parametrize("environ", [{}, {"LLMRING_LOCKFILE_PATH": "absent.lock"}])
def test_a_named_file_that_is_not_there_is_an_error_and_no_other_is_tried(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "llmring.lock").write_text(LOCK)
    argument = None if environ else tmp_path / "absent.lock"
    with pytest.raises(LockfileNotFoundError, match=r"llmring lock init --file .*absent\.lock") as caught:
        discover(argument, environ=environ, directory=tmp_path)
    assert isinstance(caught.value, FileNotFoundError)


def test_a_folder_is_no_lockfile(tmp_path: Path) -> None:
    with pytest.raises(LockfileNotFoundError, match="is a folder"):
        discover(tmp_path)


def test_a_name_that_cannot_be_looked_for_is_told(tmp_path: Path) -> None:
    with pytest.raises(LockfileError, match="given as the lockfile: File name too long"):
        discover(tmp_path / ("x" * 300))


def test_the_home_of_an_unknown_user_is_told() -> None:
    with pytest.raises(LockfileNotFoundError, match="home directory"):
        discover("~no-such-user/llmring.lock")


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("named", [True, False])
def test_a_lockfile_that_is_no_regular_file_is_told_at_once(tmp_path: Path, kind: str, named: bool) -> None:
    path = tmp_path / "llmring.lock"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(LockfileError, match=r"cannot read the lockfile .*: it is not a regular file"):
        load(path if named else None, environ={}, directory=tmp_path)


def test_a_lockfile_that_is_too_large_is_told_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "llmring.lock").open("wb") as file:
        file.truncate(2**40)  # takes no room on disk
    with pytest.raises(
        LockfileError, match=r"cannot read the lockfile .*: it is larger than 4,194,304 bytes"
    ):
        load(environ={}, directory=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps the working directory")
def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(LockfileError, match="working directory"):
        load(environ={})
    with pytest.raises(LockfileError, match="working directory"):
        new_lockfile_path()


@pytest.mark.skipif(os.name != "posix" or sys.platform == "darwin", reason="names are Unicode there")
def test_a_folder_whose_name_is_no_utf8_holds_a_lockfile_like_any_other(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff\xfe")
    folder.mkdir()
    create_lockfile(folder / "llmring.lock", bindings={"fast": "openai:x"})
    bind(folder / "llmring.lock", "deep", "openai:y", environ={})
    assert load(environ={}, directory=folder).profile().aliases == ("fast", "deep")
    (folder / "llmring.lock").write_text("broken")
    with pytest.raises(LockfileParseError, match="not valid TOML"):
        load(environ={}, directory=folder)


def test_the_process_environment_and_directory_are_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llmring.lock").write_text(LOCK)
    monkeypatch.chdir(tmp_path)
    assert load().path == tmp_path / "llmring.lock"
    monkeypatch.setenv("LLMRING_LOCKFILE_PATH", str(BUNDLED))
    assert load().path == BUNDLED


def test_the_bundled_lockfile_has_the_advisor_in_each_of_its_profiles(tmp_path: Path) -> None:
    lockfile = load(environ={}, directory=tmp_path)
    assert {name: profile.aliases for name, profile in lockfile.profiles.items()} == dict.fromkeys(
        ("default", "dev", "prod", "test"), ("advisor",)
    )


def test_what_is_created_in_the_place_for_a_new_lockfile_is_found(project: Path) -> None:
    path = new_lockfile_path(project)
    assert path == project / "src" / "my_app" / "llmring.lock"
    create_lockfile(path)
    assert discover(environ={}, directory=project).path == path


def test_without_a_package_a_new_lockfile_goes_into_the_working_directory(tmp_path: Path) -> None:
    assert new_lockfile_path(tmp_path) == tmp_path / "llmring.lock"


@pytest.mark.parametrize(
    ("argument", "environ", "name", "origin", "chosen"),
    [
        ("a", {"LLMRING_PROFILE": "b"}, "a", "argument", True),
        (None, {"LLMRING_PROFILE": "b"}, "b", "environment", True),
        (None, {"LLMRING_PROFILE": ""}, "own", "default_profile", False),
        (None, {}, "own", "default_profile", False),
    ],
)
def test_the_profile_is_the_arguments_then_the_environments_then_the_lockfiles(
    argument: str | None, environ: dict[str, str], name: str, origin: str, chosen: bool
) -> None:
    lockfile = parse('default_profile = "own"\n[profiles.own]')
    active = active_profile(lockfile, argument, environ=environ)
    assert (active.name, active.origin, active.chosen) == (name, origin, chosen)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a folder two levels down, in a folder with a lockfile."""
    (tmp_path / "llmring.lock").write_text(LOCK)
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "docs" / "notes").mkdir(parents=True)
    return tmp_path / "repository"


def test_the_lockfile_of_a_repository_is_found_from_its_folders(repository: Path) -> None:
    below, path = repository / "docs" / "notes", repository / "llmring.lock"
    path.write_text(LOCK)
    found = discover(environ={}, directory=below)
    assert (found.path, found.origin) == (path, "parent folder")
    assert found.passed_over == (below / "llmring.lock", repository / "docs" / "llmring.lock")
    (repository / "docs" / "llmring.lock").write_text(LOCK)
    assert discover(environ={}, directory=below).path == repository / "docs" / "llmring.lock"


def test_the_search_ends_at_the_edge_of_the_repository(repository: Path) -> None:
    assert discover(environ={}, directory=repository / "docs").is_bundled
    assert discover(environ={}, directory=repository).is_bundled


def test_outside_a_repository_the_search_ends_below_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "project" / "docs"
    below.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "project"):
        (folder / "llmring.lock").write_text(LOCK)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert discover(environ={}, directory=below).path == tmp_path / "project" / "llmring.lock"
    assert discover(environ={}, directory=tmp_path / "project").origin == "working directory"
    (tmp_path / "project" / "llmring.lock").unlink()
    assert discover(environ={}, directory=below).is_bundled
    monkeypatch.setenv("HOME", str(below))
    monkeypatch.setenv("USERPROFILE", str(below))
    assert discover(environ={}, directory=below).is_bundled


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("given_away", ["", "llmring.lock"])
def test_what_belongs_to_somebody_else_is_passed_over(repository: Path, given_away: str) -> None:
    (repository / "llmring.lock").write_text(LOCK)
    os.chown(repository / given_away, 4711, 4711)
    assert discover(environ={}, directory=repository / "docs").is_bundled


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
def test_a_link_that_somebody_else_made_is_passed_over_whosever_file_it_leads_to(repository: Path) -> None:
    (repository / "mine.lock").write_text(LOCK)
    link = repository / "llmring.lock"
    link.symlink_to("mine.lock")
    assert discover(environ={}, directory=repository / "docs").path == link
    os.chown(link, 4711, 4711, follow_symlinks=False)
    assert discover(environ={}, directory=repository / "docs").is_bundled


def test_a_repository_within_another_has_an_edge_of_its_own(repository: Path) -> None:
    (repository / "llmring.lock").write_text(LOCK)
    (repository / "docs" / ".git").write_text("gitdir: ../.git/modules/docs")
    assert discover(environ={}, directory=repository / "docs" / "notes").is_bundled


def test_the_lockfile_of_the_project_comes_before_that_of_the_repository(repository: Path) -> None:
    inside = repository / "docs" / "src" / "a" / "llmring.lock"
    inside.parent.mkdir(parents=True)
    (inside.parent / "__init__.py").touch()
    (repository / "docs" / "pyproject.toml").touch()
    inside.write_text(LOCK)
    (repository / "llmring.lock").write_text(LOCK)
    for directory in (repository / "docs", repository / "docs" / "notes"):
        found = discover(environ={}, directory=directory)
        assert (found.path, found.origin) == (inside, "project package")
    (repository / "docs" / "llmring.lock").write_text(LOCK)
    found = discover(environ={}, directory=repository / "docs" / "notes")
    assert found.path == repository / "docs" / "llmring.lock"
