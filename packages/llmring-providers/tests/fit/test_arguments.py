"""Arguments of earlier calls, for protocols that want an object."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmring_providers._fit.tools import arguments_object


def written(arguments: object) -> tuple[bytes, list[str]]:
    warnings: list[str] = []
    found = arguments_object({"name": "f", "arguments": arguments}, warnings)
    return msgspec.json.encode(found), warnings


@pytest.mark.parametrize(
    "text", ['{"n":12345678901234567890123,"x":1.50}', "{}", ' { "a" : [ ] } ', '{"a":{"b":"ü"}}']
)
def test_an_object_goes_out_as_the_model_wrote_it(text: str) -> None:
    assert written(text) == (text.encode(), [])


@pytest.mark.parametrize("nothing", [None, "", "  \n", {}])
def test_no_arguments_are_an_empty_object(nothing: object) -> None:
    assert written(nothing) == (b"{}", [])


def test_an_object_that_is_no_text_is_taken_too() -> None:
    assert written({"a": 1}) == (b'{"a":1}', [])


@pytest.mark.parametrize("text", ['{"a": ', "[1]", "7", "null", '"text"', "not json", '{"a": 1} {"b": 2}'])
def test_any_other_text_is_kept_inside_an_object(text: str) -> None:
    body, warnings = written(text)
    assert msgspec.json.decode(body) == {"INVALID_JSON": text}
    assert warnings == [
        "the arguments of a call of 'f' are not a JSON object: they were sent as text inside one"
    ]


def test_it_is_told_once_per_function() -> None:
    warnings: list[str] = []
    for name in ("f", "f", "g"):
        arguments_object({"name": name, "arguments": "{"}, warnings)
    assert len(warnings) == 2


@given(st.text(st.characters(exclude_categories=[])) | st.text('{}[]",:0a'))
def test_no_text_stops_a_conversation(text: str) -> None:
    found: Any = arguments_object({"name": "f", "arguments": text}, [])
    assert isinstance(found, (dict, msgspec.Raw))
