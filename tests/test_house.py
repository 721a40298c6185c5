"""Sizes that keep the packages readable: few modules, none of them long. Documents lead to files that are there."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.name for path in (ROOT / "packages").iterdir() if (path / "src").is_dir())
MODULES = {path: path.read_text("utf-8").count("\n") for path in sorted(ROOT.glob("packages/*/src/**/*.py"))}
MOST_LINES = 300
MOST_PER_1000_LINES = 7.0
MOST_PER_1000_LINES_OF_A_PACKAGE = 8.0
DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packages/*/*.md"))
    if path.name != "CHANGELOG.md"
]
PATHS = re.compile(r"(?<![\w/.-])(?:packages|tests|docs|\.ci|\.github)/[\w./-]*\w")


def per_1000_lines(modules: Mapping[Path, int]) -> float:
    return 1000 * len(modules) / sum(modules.values())


def test_no_module_is_too_long() -> None:
    longer = {
        "/".join(path.parts[path.parts.index("src") + 1 :]): lines
        for path, lines in MODULES.items()
        if lines > MOST_LINES
    }
    assert longer == {}


def test_the_sources_are_not_cut_into_too_many_modules() -> None:
    assert per_1000_lines(MODULES) <= MOST_PER_1000_LINES


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_is_cut_into_too_many_modules(package: str) -> None:
    own = {path: lines for path, lines in MODULES.items() if ROOT / "packages" / package in path.parents}
    assert per_1000_lines(own) <= MOST_PER_1000_LINES_OF_A_PACKAGE


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_path_that_a_document_names_is_there(document: Path) -> None:
    named = PATHS.findall(document.read_text("utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []
