import sys
from pathlib import Path

import pytest
from llmring_lockfile import Lockfile, find_package_lockfile, installed_lockfile


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
