"""The page on the simulator's scripts has a row for each field and each fault, and its scripts can be read."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from llmring.testing import Answer, BatchRule, Call, Fault, Rule, Script, Tokens

PAGE = (Path(__file__).parents[1] / "docs" / "simulator.md").read_text("utf-8")
SECTIONS = {
    title.partition(":")[0]: body
    for title, body in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def rows(section: str) -> dict[str, str]:
    """Return the rows of a section's table by what stands in backquotes in their first cell."""
    return dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", SECTIONS[section], re.MULTILINE))


@pytest.mark.parametrize(("section", "kind"), [("Rules", Rule), ("Answers", Answer), ("Batches", BatchRule)])
def test_each_field_has_a_row(section: str, kind: type[msgspec.Struct]) -> None:
    assert list(rows(section)) == list(kind.__struct_fields__)


@pytest.mark.parametrize(("field", "kind"), [("tool_calls", Call), ("usage", Tokens)])
def test_the_fields_of_what_is_in_an_answer_are_named(field: str, kind: type[msgspec.Struct]) -> None:
    named = re.findall(r"`(\w+)`", rows("Answers")[field].partition(":")[2])
    assert [name for name in named if name in kind.__struct_fields__] == list(kind.__struct_fields__)


def test_each_fault_has_a_row_with_its_fields_and_their_defaults() -> None:
    found = {kind: row.partition(" | ")[0] for kind, row in rows("Faults").items()}
    assert found == {str(kind.__struct_config__.tag): fields(kind) for kind in get_args(Fault)}


def fields(kind: type[msgspec.Struct]) -> str:
    return ", ".join(
        f"`{field.name}`"
        if field.default is None
        else f"`{field.name} = {msgspec.json.encode(field.default).decode()}`"
        for field in msgspec.structs.fields(kind)
    )


def test_the_scripts_of_the_page_can_be_read() -> None:
    scripts = [Script.parse(text) for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)]
    assert [(len(script.rules), len(script.batches)) for script in scripts] == [(4, 1)]
