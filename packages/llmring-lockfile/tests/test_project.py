import os
import sys
from pathlib import Path

import pytest
from llmring_lockfile import (
    BUNDLED,
    Lockfile,
    find_package_directory,
    find_package_lockfile,
    find_project_root,
    installed_lockfile,
)


def lay_out(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


PROJECT = '[project]\nname = "my-app.core"\n'


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"pyproject.toml": PROJECT, "src/my_app_core/__init__.py": "", "src/b/__init__.py": ""}, "src/my_app_core"),
        ({"pyproject.toml": PROJECT, "my_app_core/__init__.py": ""}, "my_app_core"),
        ({"pyproject.toml": '[tool.poetry]\nname = "app"', "app/__init__.py": ""}, "app"),
        ({"pyproject.toml": PROJECT, "src/other/__init__.py": ""}, "src/other"),
        ({"pyproject.toml": PROJECT, "src/a/__init__.py": "", "src/b/__init__.py": ""}, None),
        ({"pyproject.toml": PROJECT, "other/__init__.py": ""}, None),
        ({"pyproject.toml": PROJECT, "src/my_app_core/module.py": ""}, None),
        ({"pyproject.toml": "broken = [", "src/app/__init__.py": ""}, "src/app"),
        ({"pyproject.toml": "project = 3", "src/app/__init__.py": ""}, "src/app"),
        ({"setup.py": "", "app/__init__.py": ""}, "app"),
        ({"setup.cfg": "", "src/app/__init__.py": "", "tests/__init__.py": ""}, "src/app"),
        ({"app/__init__.py": ""}, None),
    ],
)  # fmt: skip
def test_the_package_directory_follows_the_projects_name_or_is_the_only_one(
    tmp_path: Path, files: dict[str, str], found: str | None
) -> None:
    lay_out(tmp_path, {**files, "deep/er/file.txt": ""})
    expected = None if found is None else tmp_path / found
    assert find_package_directory(tmp_path) == expected
    assert find_package_directory(tmp_path / "deep" / "er") == expected


def test_a_name_that_is_no_folders_leads_nowhere_else(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    lay_out(
        tmp_path,
        {
            "outside/__init__.py": "",
            "repository/pyproject.toml": f"[project]\nname = '{outside}'\n",
            "repository/src/mine/__init__.py": "",
        },
    )
    assert find_package_directory(tmp_path / "repository") == tmp_path / "repository" / "src" / "mine"


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")
@pytest.mark.parametrize("kind", ["pipe", "device", "deep"])
def test_a_project_file_that_cannot_be_read_keeps_nobody_waiting(tmp_path: Path, kind: str) -> None:
    lay_out(tmp_path, {"src/app/__init__.py": ""})
    file = tmp_path / "pyproject.toml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    else:
        file.write_text("a = " + "[" * 5000 + "]" * 5000)
    assert find_package_directory(tmp_path) == tmp_path / "src" / "app"


def test_the_root_is_the_nearest_directory_with_a_mark(tmp_path: Path) -> None:
    lay_out(tmp_path, {"setup.cfg": "", "a/pyproject.toml": "", "a/b/c.txt": "", "d/e.txt": ""})
    assert find_project_root(tmp_path / "a" / "b") == tmp_path / "a"
    assert find_project_root(tmp_path / "d") == tmp_path


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages, of which every one fails when it is imported."""
    for package in ("my_tools", "suite", "suite/llm", "bare", "impl_name"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text('raise AssertionError("imported")')
    for package in ("my_tools", "suite/llm", "impl_name"):
        (tmp_path / package / "llmring.lock").touch()
    (tmp_path / "single.py").write_text("raise AssertionError")
    info = tmp_path / "dist_name-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dist-name\nVersion: 1.0\n")
    (info / "RECORD").write_text("impl_name/__init__.py,,\nimpl_name/llmring.lock,,\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("my_tools", "my_tools/llmring.lock"),
        ("my-tools", "my_tools/llmring.lock"),
        ("suite.llm", "suite/llm/llmring.lock"),
        ("dist-name", "impl_name/llmring.lock"),
        ("suite", None),
        ("bare", None),
        ("single", None),
        ("single.inner", None),
        ("absent", None),
        ("absent.inner", None),
    ],
)
def test_a_packages_lockfile_is_found_and_nothing_is_imported(
    site: Path, name: str, found: str | None
) -> None:
    before = set(sys.modules)
    assert find_package_lockfile(name, [str(site)]) == (None if found is None else site / found)
    assert {name.partition(".")[0] for name in set(sys.modules) - before}.isdisjoint(
        {"my_tools", "suite", "bare", "impl_name", "single"}
    )


def test_the_interpreters_path_is_the_default() -> None:
    path = find_package_lockfile("llmring-lockfile")
    assert path is not None
    assert path.parent.name == "llmring_lockfile"


def test_an_installed_lockfile_is_read_or_there_is_none(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(site))
    assert installed_lockfile("my-tools") == Lockfile(path=site / "my_tools" / "llmring.lock")
    assert installed_lockfile("bare") is None


def test_a_distribution_whose_listed_lockfile_is_gone_ships_none(site: Path) -> None:
    (site / "impl_name" / "llmring.lock").unlink()
    assert find_package_lockfile("dist-name", [str(site)]) is None


def test_a_folder_without_code_may_stand_between_and_odd_names_find_nothing(tmp_path: Path) -> None:
    (tmp_path / "space" / "inner").mkdir(parents=True)
    (tmp_path / "space" / "inner" / "llmring.lock").touch()
    assert find_package_lockfile("space.inner", [str(tmp_path)]) == tmp_path / "space/inner/llmring.lock"
    assert find_package_lockfile("space..inner", [str(tmp_path)]) is None


def test_the_package_llmring_ships_the_bundled_lockfile() -> None:
    lockfile = installed_lockfile("llmring")
    assert lockfile is not None
    assert lockfile.path == BUNDLED
