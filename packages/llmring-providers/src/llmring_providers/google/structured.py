"""Answers in JSON.

https://ai.google.dev/gemini-api/docs/structured-output
Gemini 2.5 and older refuse a JSON answer beside functions. There the answer is asked for as one more function, which
the model calls when it is done; the decoder turns that call back into text.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from llmring_providers._formats import unknown_format, wanted_format, wanted_schema
from llmring_providers._protocol import ChatCall
from llmring_providers._schemas import is_object
from llmring_providers.google.schema import is_openapi, json_schema

ANSWER_TOOL = "respond_with_structure"
_WRAPPED = "answer"
"""The one parameter of the answer function where the schema is of no object."""


class JsonAnswer(NamedTuple):
    """The wish for a JSON answer; without a schema any JSON will do."""

    schema: Mapping[str, Any] | None


def json_answer(call: ChatCall) -> JsonAnswer | None:
    """Read what the request wants, if anything.

    Raises:
        UnsupportedContentError: a format that Gemini does not have.
    """
    wanted = wanted_format(call)
    kind = "text" if wanted is None else wanted.get("type")
    if wanted is None or kind == "text":
        return None
    if kind == "json_object":
        return JsonAnswer(None)
    if kind == "json_schema":
        return JsonAnswer(wanted_schema(wanted))
    raise unknown_format(wanted, call)


def as_config(answer: JsonAnswer, call: ChatCall) -> dict[str, Any]:
    """The wish in the words of a generation config."""
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if answer.schema is not None and is_openapi(answer.schema):
        config["responseSchema"] = answer.schema
    elif answer.schema is not None:
        config["responseJsonSchema"] = json_schema(answer.schema, call)
    return config


def as_function(schema: Mapping[str, Any], call: ChatCall) -> dict[str, Any]:
    """The wish as a function declaration."""
    declared: dict[str, Any] = {
        "name": ANSWER_TOOL,
        "description": "Give the final answer. Call it once, when nothing is left to be done with the other functions.",
    }
    if is_openapi(schema):
        declared["parameters"] = schema
        return declared
    if not is_object(schema):
        inner = dict(schema)
        hoisted: dict[str, Any] = {
            name: inner.pop(name) for name in ("$defs", "definitions") if name in inner
        }
        schema = {"type": "object", "properties": {_WRAPPED: inner}, "required": [_WRAPPED], **hoisted}
    declared["parametersJsonSchema"] = json_schema(schema, call)
    return declared


def answer_text(arguments: Any, schema: Mapping[str, Any]) -> str:
    """The text that a call of the answer function stands for."""
    wrapped = not is_openapi(schema) and not is_object(schema)
    if wrapped and isinstance(arguments, Mapping):
        arguments = arguments.get(_WRAPPED, arguments)
    return msgspec.json.encode(arguments).decode()
