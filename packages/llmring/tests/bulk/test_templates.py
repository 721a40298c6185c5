"""Templates of prompts, with the columns of a row."""

import sys
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pydantic
import pytest
from llmring.bulk import RequestTemplate, Template, parsed_values
from llmring.exceptions import MissingSDKError, ValidationError


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{a} and { b }", {"a": "x", "b": 2}, "x and 2"),
        ('{"json": {a}}', {"a": None}, '{"json": }'),
        ("{a}", {"a": {"k": [1]}}, '{"k":[1]}'),
        ("on {a} for {b}", {"a": date(2026, 11, 29), "b": Decimal("1.50")}, "on 2026-11-29 for 1.50"),
        ("{{ a | upper }}{% if b %}!{% endif %}", {"a": "x", "b": 1}, "X!"),
        ("{{ 'é' }}\n", {}, "é\n"),
    ],
)
def test_a_template_takes_columns(template: str, values: dict[str, Any], expected: str) -> None:
    assert Template(template).render(values) == expected


@pytest.mark.parametrize(
    ("template", "match"),
    [
        ("{b}", "there is no column 'b'; there are a"),
        ("{a.__class__}", "there is no column 'a.__class__'"),
        ("{{ b }}", "'b' is undefined"),
        ("{{ a.__class__.__mro__ }}", "is unsafe"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_row_without_a_column_is_an_error_and_templates_reach_nothing_else(
    template: str, match: str
) -> None:
    with pytest.raises(ValidationError, match=match):
        Template(template).render({"a": "x"})


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('{ a } {"b": 1} {c}', ["a", "c"]),
        ("no column", []),
        ("{{ a }} {b}", []),
        ("{% if a %}{b}{% endif %}", []),
    ],
)
def test_the_columns_of_a_plain_template_are_those_it_fills_in(text: str, columns: list[str]) -> None:
    assert Template.columns(text) == columns


def test_a_row_may_bring_its_messages() -> None:
    template = RequestTemplate(system="Be {how}.", model="fake:x", max_tokens=9)
    request = template.request({"how": "brief", "messages": [{"role": "user", "content": "Hello"}]})
    assert [(each.role, each.content) for each in request.messages] == [
        ("system", "Be brief."),
        ("user", "Hello"),
    ]
    assert (request.model, request.max_tokens) == ("fake:x", 9)


def test_a_row_fills_the_prompt_and_the_instructions() -> None:
    request = RequestTemplate("Where is {city}?", system="In {language}.").request(
        {"city": "Oslo", "language": "Norwegian"}
    )
    assert [each.content for each in request.messages] == ["In Norwegian.", "Where is Oslo?"]


@pytest.mark.parametrize(
    ("messages", "match"),
    [(None, "has no messages"), (["x"], "has no messages"), ([{"a": 1}], "malformed message")],
)
def test_malformed_messages_are_refused(messages: Any, match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        RequestTemplate(model="fake:x").request({"messages": messages})


def test_a_mistake_of_syntax_is_refused_before_any_row() -> None:
    with pytest.raises(ValidationError, match="not a template of Jinja"):
        RequestTemplate("{{ x")


def test_without_jinja_a_template_of_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingSDKError, match="llmring-cli"):
        Template("{{ a }}")


class City(msgspec.Struct):
    name: str
    founded: date


class Place(pydantic.BaseModel):
    name: str
    founded: date


@pytest.mark.parametrize("kind", [City, Place])
def test_parsed_answers_become_plain_values(kind: Any) -> None:
    parsed = [kind(name="Oslo", founded=date(1048, 1, 1)), None]
    assert parsed_values(parsed) == [{"name": "Oslo", "founded": "1048-01-01"}, None]
