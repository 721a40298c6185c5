"""The form of answer that a request asks for."""

from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers._fit.formats import wanted_format, wanted_schema
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import UnsupportedContentError

SCHEMA = {"type": "object"}


def call(**request: Any) -> ChatCall:
    return ChatCall(LLMRequest([Message(role="user", content="Hi")], **request), ModelRef("acme", "m"))


@pytest.mark.parametrize(
    ("request_fields", "wanted"),
    [
        ({}, None),
        ({"json_response": True}, {"type": "json_object"}),
        ({"response_format": {"type": "json"}}, {"type": "json_object"}),
        ({"response_format": {"type": "text"}, "json_response": True}, {"type": "text"}),
    ],
)
def test_what_a_request_asks_for(request_fields: dict[str, Any], wanted: Any) -> None:
    assert wanted_format(call(**request_fields)) == wanted


@pytest.mark.parametrize("given", [int, "json", True, []])
def test_what_is_no_dict_is_named(given: Any) -> None:
    with pytest.raises(UnsupportedContentError, match="response_format must be a dict") as caught:
        wanted_format(call(response_format=given))
    assert (caught.value.provider, caught.value.part) == ("acme", "response_format")


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ({"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}, SCHEMA),
        ({"type": "json_schema", "schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema", "json_schema": {"name": "a"}, "schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema", "json_schema": "a", "schema": SCHEMA}, SCHEMA),
        ({"type": "json_schema", "json_schema": {"schema": True}}, None),
        ({"type": "json_schema"}, None),
    ],
)
def test_the_schema_stands_in_the_format_or_beside_its_type(form: Any, schema: Any) -> None:
    assert wanted_schema(form) == schema
