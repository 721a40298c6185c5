"""Answers in JSON.

https://ai.google.dev/gemini-api/docs/structured-output
Gemini 2.5 and older refuse a JSON answer beside functions. There the answer is asked for as one more function, which
the model calls when it is done; the decoder turns that call back into text.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from llmring_providers._fit.formats import in_dialect, unknown_format, wanted_format, wanted_schema
from llmring_providers._protocol import ChatCall
from llmring_providers.schema import GEMINI, GEMINI_OPENAPI, WRAPPER, wraps

ANSWER_TOOL = "respond_with_structure"
_ARGUMENTS = GEMINI._replace(object_answers=True)


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
        config["responseSchema"] = in_dialect(answer.schema, GEMINI_OPENAPI, call).json
    elif answer.schema is not None:
        config["responseJsonSchema"] = in_dialect(answer.schema, GEMINI, call, answer=True).json
    return config


def is_openapi(schema: Mapping[str, Any]) -> bool:
    """Return whether it is in Gemini's older schema language, which has type names in capitals and own fields."""
    kind = schema.get("type")
    return isinstance(kind, str) and kind.isupper()


def as_function(schema: Mapping[str, Any], call: ChatCall) -> dict[str, Any]:
    """The wish as a function declaration."""
    declared: dict[str, Any] = {
        "name": ANSWER_TOOL,
        "description": "Give the final answer. Call it once, when nothing is left to be done with the other functions.",
    }
    if is_openapi(schema):
        declared["parameters"] = in_dialect(schema, GEMINI_OPENAPI, call).json
    else:
        declared["parametersJsonSchema"] = in_dialect(schema, _ARGUMENTS, call, answer=True).json
    return declared


def answer_text(arguments: Any, schema: Mapping[str, Any]) -> str:
    """The text that a call of the answer function stands for."""
    if not is_openapi(schema) and wraps(schema) and isinstance(arguments, Mapping):
        arguments = arguments.get(WRAPPER, arguments)
    return msgspec.json.encode(arguments).decode()
