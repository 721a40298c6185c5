"""Outcomes as columns of Arrow, of the same types in every block."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec
from llmring_types.exceptions import MissingSDKError, ValidationError

from llmring.bulk import Outcome, parsed_values
from llmring.structured._types import describe

_DEEPEST = 8
"""Levels of a schema that become types of Arrow; deeper, or recursive, is JSON."""
_SIMPLE = {"string": "string", "integer": "int64", "number": "float64", "boolean": "bool_"}


class Columns:
    """The columns of a job.

    Args:
        response_format: of its requests.

    Raises:
        MissingSDKError: pyarrow is not installed.
    """

    def __init__(self, response_format: Mapping[str, Any] | None) -> None:
        try:
            self._arrow: Any = import_module("pyarrow")
        except ImportError as error:
            raise MissingSDKError(
                "blocks of rows need pyarrow: pip install 'llmring[ray]'", original=error
            ) from error
        schema: Mapping[str, Any] = (response_format or {}).get("json_schema", {}).get("schema", {})
        self._definitions: Mapping[str, Any] = {**schema.get("definitions", {}), **schema.get("$defs", {})}
        root = self._resolved(schema)
        self._is_object = bool(root.get("properties"))
        fields: Mapping[str, Any] = (
            root["properties"] if self._is_object else {"parsed": root} if schema else {}
        )
        self._fields = {name: self._type(each, 0) for name, each in fields.items()}

    def of(self, outcomes: Sequence[Outcome]) -> Mapping[str, Any]:
        """Return the columns of a block. A value that does not fit its column becomes null, and its row an error."""
        errors: list[Exception | None] = [outcome.error for outcome in outcomes]
        answers = [self._answer(outcome) for outcome in outcomes]
        fields = {
            name: self._column(name, [answer.get(name) for answer in answers], kind, errors)
            for name, kind in self._fields.items()
        }
        responses = [outcome.response for outcome in outcomes]
        usages = [(response.usage if response is not None else None) or {} for response in responses]
        arrow = self._arrow
        return {
            "answer": arrow.array([response and response.content for response in responses], arrow.string()),
            **fields,
            "error": arrow.array([None if error is None else str(error) for error in errors], arrow.string()),
            "error_type": arrow.array([error and type(error).__name__ for error in errors], arrow.string()),
            "model": arrow.array([response and response.model for response in responses], arrow.string()),
            "cost": arrow.array(
                [usage.get("cost", outcome.cost) for usage, outcome in zip(usages, outcomes, strict=True)],
                arrow.float64(),
            ),
            "input_tokens": arrow.array([usage.get("prompt_tokens") for usage in usages], arrow.int64()),
            "output_tokens": arrow.array([usage.get("completion_tokens") for usage in usages], arrow.int64()),
            "attempts": arrow.array([len(outcome.attempts) for outcome in outcomes], arrow.int64()),
        }

    def _answer(self, outcome: Outcome) -> Mapping[str, Any]:
        if outcome.response is None or not self._fields:
            return {}
        parsed = parsed_values(outcome.response.parsed)
        if not self._is_object:
            return {"parsed": parsed}
        return parsed if isinstance(parsed, dict) else {}

    def _column(self, name: str, values: list[Any], kind: Any, errors: list[Exception | None]) -> Any:
        arrow = self._arrow
        if kind is None:
            texts = [None if value is None else msgspec.json.encode(value).decode() for value in values]
            return arrow.array(texts, arrow.string())
        problems = (arrow.ArrowException, OverflowError, TypeError, ValueError)
        try:
            return arrow.array(values, kind)
        except problems:
            for place, value in enumerate(values):
                try:
                    arrow.scalar(value, kind)
                except problems:
                    values[place] = None
                    errors[place] = ValidationError(f"the answer's {name} does not fit a column of {kind}")
            return arrow.array(values, kind)

    def _type(self, schema: Any, depth: int) -> Any:
        """Return the type of Arrow for a schema; ``None`` where it has none."""
        schema = self._resolved(schema)
        if depth > _DEEPEST:
            return None
        kind = schema.get("type")
        if kind in _SIMPLE:
            return getattr(self._arrow, _SIMPLE[kind])()
        if kind == "array" and isinstance(schema.get("items"), dict):
            items = self._type(schema["items"], depth + 1)
            return None if items is None else self._arrow.list_(items)
        properties = schema.get("properties")
        if kind != "object" or not properties or schema.get("additionalProperties"):
            return None
        types = {name: self._type(each, depth + 1) for name, each in properties.items()}
        return None if None in types.values() else self._arrow.struct(list(types.items()))

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        """Follow references, and pass over what only adds null; a schema that is a boolean says nothing of a type."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, Mapping):
                return {}
            choices = [
                each
                for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
                if not isinstance(each, Mapping) or each.get("type") != "null"
            ]
            kinds = schema.get("type")
            if "$ref" in schema:
                schema = self._definitions.get(schema["$ref"].rpartition("/")[2], {})
            elif len(choices) == 1:
                schema = choices[0]
            elif isinstance(kinds, list):
                named = [each for each in kinds if each != "null"]
                schema = {**schema, "type": named[0] if len(named) == 1 else None}
            elif kinds is None and all(isinstance(each, str) for each in schema.get("enum", [0])):
                schema = {**schema, "type": "string"}
            else:
                return schema
        return {}


def response_format_of(schema: Any) -> dict[str, Any]:
    """Return a schema or type as a ``response_format``.

    A type becomes its JSON schema: types of scripts and notebooks do not travel to other processes.

    Raises:
        ValidationError: it is neither (also a ``ValueError``).
    """
    if isinstance(schema, dict):
        if "json_schema" in schema:
            return schema
        name = "answer"
    else:
        try:
            described = describe(schema)
        except (TypeError, NameError) as error:
            raise ValidationError(
                f"the schema is neither a type nor a JSON schema: {error}", field="schema"
            ) from error
        name, whole = described.name, described.schema
        is_wrapped = whole.get("title") == "Answer" != getattr(schema, "__name__", None)
        schema = {**whole["properties"]["value"], "$defs": whole.get("$defs", {})} if is_wrapped else whole
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
