"""JSON Schema as Gemini reads it.

Both ``parametersJsonSchema`` and ``responseJsonSchema`` take JSON Schema, but know only some of it
(https://ai.google.dev/api/generate-content#FIELDS.response_json_schema). What means the same in words that Gemini
knows is said in those; everything else is sent as it is.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall

_REWRITTEN = re.compile(rb'"(?:\$ref|\$schema|definitions|nullable|const|allOf)"')
_BESIDE_REF = frozenset({"$ref", "description", "default"})
_SCHEMAS_BY_NAME = ("properties", "$defs", "patternProperties")
_SCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS = ("items", "additionalProperties", "not")
_NULL = {"type": "null"}


def json_schema(schema: Mapping[str, Any], call: ChatCall) -> msgspec.Raw:
    """Return the schema as JSON.

    Raises:
        UnsupportedContentError: it cannot be written as JSON, or is nested too deeply.
    """
    written = encode_body(schema, call)
    if _REWRITTEN.search(written):
        try:
            # Read back: what JSON cannot hold is gone by then, and nothing of the caller's is touched.
            read = msgspec.json.decode(written)
            written = encode_body(_Rewriter(read).rewrite(read), call)
        except RecursionError as error:
            raise UnsupportedContentError(
                "a schema is nested too deeply", provider=call.ref.provider, part="schema", original=error
            ) from error
    return msgspec.Raw(written)


def is_openapi(schema: Mapping[str, Any]) -> bool:
    """Whether it is in Gemini's older schema language, with type names in capitals: that has fields of its own."""
    kind = schema.get("type")
    return isinstance(kind, str) and kind.isupper()


class _Rewriter:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._open: list[str] = []
        """References that are being replaced by what they mean, so that a cycle is seen."""

    def rewrite(self, schema: Any) -> Any:
        if not isinstance(schema, Mapping):
            return schema
        out = {name: value for name, value in schema.items() if name != "$schema"}
        older, newer = out.get("definitions"), out.get("$defs", {})
        if isinstance(older, Mapping) and isinstance(newer, Mapping):
            out["$defs"] = {**older, **newer}
            del out["definitions"]
        for name in _SCHEMAS_BY_NAME:
            if isinstance(out.get(name), Mapping):
                out[name] = {key: self.rewrite(value) for key, value in out[name].items()}
        for name in _SCHEMA_LISTS:
            if isinstance(out.get(name), list):
                out[name] = [self.rewrite(value) for value in out[name]]
        for name in _SCHEMAS:
            if name in out:
                out[name] = self.rewrite(out[name])
        return self._words(out)

    def _words(self, out: dict[str, Any]) -> dict[str, Any]:
        if "const" in out and "enum" not in out:
            value = out.pop("const")
            out |= {"type": "null"} if value is None else {"enum": [value]}
        alternatives = out.get("allOf")
        if isinstance(alternatives, list) and len(alternatives) == 1 and "anyOf" not in out:
            out["anyOf"] = out.pop("allOf")  # of one schema, all and any are the same
        if isinstance(out.get("$ref"), str):
            out = self._reference(out)
        if out.get("nullable") is True:
            out = _nullable(out)
        return out

    def _reference(self, out: dict[str, Any]) -> dict[str, Any]:
        """Gemini follows references into ``$defs`` only, and lets nothing but a description stand beside one."""
        target = re.sub(r"^#/definitions/", "#/$defs/", out["$ref"])
        if not target.startswith("#/$defs/"):
            meant = self._meant(target)
            return {**out, "$ref": target} if meant is None else {**meant, **_without(out, "$ref")}
        if out.keys() <= _BESIDE_REF or "anyOf" in out:
            return {**out, "$ref": target}
        return {**_without(out, "$ref"), "anyOf": [{"$ref": target}]}

    def _meant(self, target: str) -> dict[str, Any] | None:
        """The schema that a pointer into another place means; ``None`` for a cycle or a pointer to nowhere."""
        if not target.startswith("#/") or target in self._open:
            return None
        found: Any = self._root
        for step in target[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            return None
        self._open.append(target)
        meant: dict[str, Any] = self.rewrite(found)
        self._open.pop()
        return meant


def _nullable(out: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI's ``nullable`` in JSON Schema's words."""
    out = _without(out, "nullable")
    kind = out.get("type")
    if isinstance(out.get("anyOf"), list):
        return {**out, "anyOf": [*out["anyOf"], _NULL]}
    if isinstance(kind, str) and "enum" not in out:
        return {**out, "type": [kind, "null"]}
    outside: dict[str, Any] = {
        name: out.pop(name) for name in ("title", "description", "default") if name in out
    }
    return {**outside, "anyOf": [out, _NULL]}


def _without(out: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in out.items() if key != name}
