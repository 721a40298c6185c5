"""Sizes that keep the packages readable: few modules, none of them long."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
MODULES = {path: path.read_text("utf-8").count("\n") for path in sorted(ROOT.glob("packages/*/src/**/*.py"))}
MOST_LINES = 300
MOST_PER_1000_LINES = 8.3


def test_no_module_is_too_long() -> None:
    longer = {
        "/".join(path.parts[path.parts.index("src") + 1 :]): lines
        for path, lines in MODULES.items()
        if lines > MOST_LINES
    }
    assert longer == {}


def test_the_sources_are_not_cut_into_too_many_modules() -> None:
    lines = sum(MODULES.values())
    assert 1000 * len(MODULES) / lines <= MOST_PER_1000_LINES, f"{len(MODULES)} modules, {lines} lines"
