"""Structured output, as far as both APIs agree: https://platform.openai.com/docs/guides/structured-outputs"""

from collections.abc import Mapping
from typing import Any

from llmring_providers._schemas import closed, is_object, rewritten

_WISH = "Answer with a JSON object."
_DEFINITIONS = ("$defs", "definitions")
_OF_ANY_KIND = frozenset({"type", "anyOf", "oneOf", "enum", "const"})


def json_schema(wanted: Mapping[str, Any], warnings: list[str]) -> dict[str, Any]:
    """Return the inner part of a ``json_schema`` format, with a name; its fields may also stand beside it.

    OpenAI wants an object at the root: any other schema is put under its only property ``value``, and so is the answer.
    ``strict`` is dropped, and told, with a schema that the strict mode refuses.
    """
    inner = wanted.get("json_schema")
    form = dict(inner) if isinstance(inner, Mapping) else {}
    for name in ("schema", "name", "description", "strict"):
        if name in wanted:
            form.setdefault(name, wanted[name])
    form.setdefault("name", "response")
    schema = form.get("schema")
    if isinstance(schema, Mapping):
        schema = _rooted(schema)
        form["schema"] = schema
        if form.get("strict") is True:
            form.update(_strict(schema, "schema", "the answer", warnings))
    return form


def strict_parameters(function: Mapping[str, Any], warnings: list[str]) -> Mapping[str, Any]:
    """Return a function whose parameters are as the strict mode wants them, if it asks for that: objects are closed.

    ``strict`` is dropped, and told, with parameters that the strict mode refuses.
    """
    parameters = function.get("parameters")
    if function.get("strict") is not True or not isinstance(parameters, Mapping):
        return function
    return {**function, **_strict(parameters, "parameters", f"tool {function.get('name')!r}", warnings)}


def _strict(schema: Mapping[str, Any], field: str, whose: str, warnings: list[str]) -> dict[str, Any]:
    """The schema closed, or as it is and not strict.

    https://platform.openai.com/docs/guides/structured-outputs#all-fields-must-be-required
    """
    objections: list[str] = []

    def examined(inner: dict[str, Any]) -> dict[str, Any]:
        objections.extend(_objections(closed(inner)))
        return inner

    tight = rewritten(schema, examined)
    if not objections:
        return {field: tight}
    warnings.append(
        f"strict was dropped for {whose}: OpenAI takes it only where objects require all their properties and take no"
        f" others ({objections[0]})"
    )
    return {field: schema, "strict": False}


def _objections(schema: Mapping[str, Any]) -> list[str]:
    """Why the strict mode refuses a schema, whatever it says of those within."""
    properties, required = schema.get("properties"), schema.get("required")
    names = properties if isinstance(properties, Mapping) else ()
    known = required if isinstance(required, list) else ()
    found = [f"{name!r} is not required" for name in names if name not in known]
    if is_object(schema) and schema.get("additionalProperties") is not False:
        found.append("an object takes any property")
    return found


def _rooted(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    hoisted = {name: schema[name] for name in _DEFINITIONS if name in schema}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        place, _, name = reference.rpartition("/")
        definitions = hoisted.get(place.removeprefix("#/"))
        meant = definitions.get(name) if isinstance(definitions, Mapping) else None
        if not isinstance(meant, Mapping) or "$ref" in meant:
            return schema
        return _rooted({**meant, **{key: schema[key] for key in schema if key != "$ref"}})
    if is_object(schema) or not schema.keys() & _OF_ANY_KIND:
        return schema
    inner = {key: value for key, value in schema.items() if key not in _DEFINITIONS}
    return {
        "type": "object",
        "properties": {"value": inner},
        "required": ["value"],
        "additionalProperties": False,
        **hoisted,
    }


def ask_for_json(messages: list[dict[str, Any]]) -> None:
    """Say "JSON" where no message does: OpenAI refuses JSON mode otherwise.

    https://platform.openai.com/docs/guides/structured-outputs#json-mode
    """
    if any("json" in str(message.get("content")).lower() for message in messages):
        return
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        messages[0] = {**first, "content": f"{first['content']}\n\n{_WISH}"}
    else:
        messages.insert(0, {"role": "system", "content": _WISH})
