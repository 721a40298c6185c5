"""Forms of answers on one line, in JSON, and as types."""

import pytest
from llmring_cli._output import CommandError
from llmring_cli._schemas import read_form, read_schema
from llmring_types.exceptions import ValidationError


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("name", {"name": {"type": "string"}}),
        ("name, age int", {"name": {"type": "string"}, "age": {"type": "integer"}}),
        ("price float,sold bool", {"price": {"type": "number"}, "sold": {"type": "boolean"}}),
        ("tags str[]", {"tags": {"type": "array", "items": {"type": "string"}}}),
        ("age int: in years", {"age": {"type": "integer", "description": "in years"}}),
        (
            "name: the full name, with titles\nage int\n",
            {
                "name": {"type": "string", "description": "the full name, with titles"},
                "age": {"type": "integer"},
            },
        ),
    ],
)
def test_fields_on_a_line_are_an_object(text: str, properties: dict[str, object]) -> None:
    form = read_schema(text)
    assert form == read_form(text)
    schema = form["json_schema"]["schema"]
    assert schema["properties"] == properties
    assert schema["required"] == list(properties)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("text", ["age integer", "2nd int", "a b c", "", ",", "x str[] y"])
def test_what_is_no_field_is_explained(text: str) -> None:
    with pytest.raises(CommandError, match="--schema"):
        read_schema(text)


def test_a_schema_that_is_missing_is_no_attachment() -> None:
    with pytest.raises(ValidationError, match=r"cannot read gone\.json: No such file"):
        read_schema("gone.json")


def test_a_form_of_somebody_elses_loads_no_code_and_reads_no_file() -> None:
    assert list(read_form("os:PathLike")["json_schema"]["schema"]["properties"]) == ["os"]
    for text in ("forms.py:City", "city.json"):
        with pytest.raises(CommandError, match="is no field"):
            read_form(text)
