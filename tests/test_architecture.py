"""The picture and the walk in docs/architecture.md are those of the sources."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text("utf-8")
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
PACKAGES: list[str] = LINTER["root_packages"]
ROWS = {
    name: (may, must_not)
    for name, may, must_not in re.findall(
        r"^\| `(llmring\w+|llmring)` \| (.*?) \| ?(.*?) ?\|$", TEXT, re.MULTILINE
    )
}


def drawn_arrows() -> set[tuple[str, str]]:
    names = {node: label.replace("-", "_") for node, label in re.findall(r"(\w+)\[\"<b>([\w-]+)</b>", TEXT)}
    return {
        (names[above], names[below])
        for above, below in re.findall(r"^ +(\w+) --> (\w+)$", TEXT, re.MULTILINE)
    }


def reached(package: str, arrows: set[tuple[str, str]]) -> set[str]:
    direct = {below for above, below in arrows if above == package}
    return direct.union(*(reached(below, arrows) for below in direct))


def imported(package: str) -> set[str]:
    """Return which of our packages the sources of one import."""
    folder = next(ROOT.glob(f"packages/*/src/{package}"))
    found = re.compile(r"^\s*(?:from|import) (llmring\w*)\b", re.MULTILINE)
    texts = (path.read_text("utf-8") for path in folder.rglob("*.py"))
    return {name for text in texts for name in found.findall(text) if name in PACKAGES} - {package}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_arrows_of_the_picture_are_the_imports(package: str) -> None:
    assert imported(package) <= reached(package, drawn_arrows())


def test_the_picture_is_the_contract_of_the_import_linter() -> None:
    (layers,) = (contract["layers"] for contract in LINTER["contracts"] if contract["type"] == "layers")
    level = {name: depth for depth, layer in enumerate(layers) for name in layer.split(" | ")}
    arrows = drawn_arrows()
    assert level.keys() == {name for arrow in arrows for name in arrow} == set(PACKAGES)
    assert all(level[above] < level[below] for above, below in arrows)


def test_what_must_not_be_imported_is_forbidden_by_a_contract() -> None:
    (forbidden,) = (contract for contract in LINTER["contracts"] if contract["type"] == "forbidden")
    assert {name for name, row in ROWS.items() if "SDKs" in row[1]} == set(forbidden["source_modules"])
    assert ROWS.keys() == set(PACKAGES)


def test_every_module_and_folder_on_the_walk_is_there() -> None:
    named = re.findall(r"`((?:packages|tests)/[^`]+)`", TEXT)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
