import os
from pathlib import Path

import pytest
from llmring_lockfile import find_package_directory, find_project_root


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
