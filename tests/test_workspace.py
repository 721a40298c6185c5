"""Rules that hold for all five packages."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
FILES = ("README.md", "CHANGELOG.md", "LICENSE")


def project(package: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    return table


def test_there_are_the_five_packages() -> None:
    names = [path.name for path in PACKAGES]
    assert names == ["llmring", "llmring-cli", "llmring-lockfile", "llmring-providers", "llmring-types"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_has_its_files_and_is_typed(package: Path) -> None:
    for name in FILES:
        assert (package / name).stat().st_size > 0, name
    assert (package / "src" / package.name.replace("-", "_") / "py.typed").exists()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_changelog_tells_of_the_version(package: Path) -> None:
    headings = re.findall(r"^## \[(.+?)\]", (package / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == project(package)["version"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_changelog_has_the_form_of_keep_a_changelog(package: Path) -> None:
    """Newest version first, each dated (only the newest may be unreleased), sections of the six kinds."""
    lines = (package / "CHANGELOG.md").read_text("utf-8").splitlines()
    versions = [line for line in lines if line.startswith("## ")]
    found = [
        re.fullmatch(r"## \[(\d+)\.(\d+)\.(\d+)\] - (unreleased|\d{4}-\d\d-\d\d)", line) for line in versions
    ]
    assert all(found), versions
    numbers = [tuple(map(int, match.groups()[:3])) for match in found if match]
    assert numbers == sorted(set(numbers), reverse=True)
    assert all(match[4] != "unreleased" for match in found[1:] if match)
    sections = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_metadata_that_an_index_shows_is_complete(package: Path) -> None:
    shown = project(package)
    assert shown["urls"].keys() == {"Homepage", "Documentation", "Repository", "Issues", "Changelog"}
    assert (ROOT / shown["urls"]["Changelog"].partition("/blob/main/")[2]) == package / "CHANGELOG.md"
    assert shown["keywords"] == sorted(set(shown["keywords"]))
    supported = [f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13, 14)]
    assert {"Typing :: Typed", *supported} <= set(shown["classifiers"])


def test_the_facade_sorts_after_the_predecessor_whose_name_it_has_on_the_index() -> None:
    version = project(ROOT / "packages" / "llmring")["version"]
    assert tuple(map(int, version.split("."))) > (1, 4, 0)


def test_one_extra_brings_all_others_but_the_real_model_and_ray() -> None:
    extras = project(ROOT / "packages" / "llmring")["optional-dependencies"]
    (everything,) = extras["all"]
    assert everything == f"llmring[{','.join(sorted(extras.keys() - {'all', 'local', 'ray'}))}]"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_siblings_are_required_with_a_range_that_their_version_is_in(package: Path) -> None:
    versions = {path.name: project(path)["version"] for path in PACKAGES}
    for requirement in project(package)["dependencies"]:
        found = re.fullmatch(r"(llmring[\w-]*)>=(\d+\.\d+),<(\d+\.\d+)", requirement)
        if not requirement.startswith("llmring"):
            continue
        assert found is not None, requirement
        minor = ".".join(versions[found[1]].split(".")[:2])
        assert minor == found[2], requirement


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_package_reaches_into_the_private_modules_of_another(package: Path) -> None:
    private = re.compile(r"^\s*(?:from|import) (llmring\w*)(?:\.\w+)*\.(?=_)", re.MULTILINE)
    for path in package.glob("src/**/*.py"):
        own = path.relative_to(package / "src").parts[0]
        assert set(private.findall(path.read_text())) <= {own}, path


def test_the_lock_names_only_the_public_index_and_its_file_store() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_the_npm_lock_pins_by_hash_and_names_no_registry_but_the_public_one() -> None:
    lock = json.loads((ROOT / "tests" / "interop" / "aimock" / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert entry.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/")
