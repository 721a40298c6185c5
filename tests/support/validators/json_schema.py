"""Known refusals of JSON Schemas by vendors.

Written apart from the room that rewrites schemas, from the vendors' pages and from the messages of their 400s.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Schema = Mapping[str, Any]

_BY_NAME = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else")
_LOOK_AROUND = re.compile(r"\(\?(?:[=!]|<[=!])")
_BACK_REFERENCE = re.compile(r"(?<!\\)\\[1-9]")
_UNIONS = ("anyOf", "oneOf", "allOf", "enum", "not")


class Rules(NamedTuple):
    """Keywords refused in one place of one API.

    Attributes:
        source: the vendor's page, or the message of its 400.
        refused: keywords that are an error, whatever their value.
        only: the only keywords that are none.
        formats: the only formats.
        regular: patterns with look-around or back references are refused.
        beside_ref: the only keywords beside ``$ref``.
        closed: an object without ``additionalProperties: false`` is refused.
        complete: an object that does not require all its properties, and those alone, is refused.
        object_root: a root that is no object, or a union, is refused.
        properties: an object root without ``properties`` is refused.
        items: an array without items is refused.
        circles: schemas that lead back to themselves are refused, or those that need themselves.
        names: property names that do not match are refused.
        enum: the only types of enum values.
        limits: how many levels, properties, enum values, optional properties and unions there may be.
    """

    source: str
    refused: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    formats: frozenset[str] | None = None
    regular: bool = False
    beside_ref: frozenset[str] | None = None
    closed: bool = False
    complete: bool = False
    object_root: bool = True
    properties: bool = False
    items: bool = False
    circles: str | None = None
    names: str | None = None
    enum: tuple[type, ...] | None = None
    limits: Mapping[str, int] = {}


_SCALARS = (str, int, float, bool, type(None))

OPENAI = Rules(
    # 400: object schema missing properties; array schema missing items; schema must have type 'object' and not have
    # 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level
    source="https://platform.openai.com/docs/guides/function-calling#defining-functions",
    properties=True,
    items=True,
)
OPENAI_STRICT = Rules(
    source="https://platform.openai.com/docs/guides/structured-outputs#supported-schemas",
    refused=frozenset(
        {
            "oneOf",
            "allOf",
            "not",
            "if",
            "then",
            "else",
            "dependentRequired",
            "dependentSchemas",
            "patternProperties",
        }
        | {
            "unevaluatedProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
            "unevaluatedItems",
            "contains",
        }
        | {
            "minContains",
            "maxContains",
            "uniqueItems",
            "prefixItems",
            "definitions",
            "minLength",
            "maxLength",
        }
    ),
    formats=frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}),
    regular=True,
    beside_ref=frozenset({"$defs"}),
    closed=True,
    complete=True,
    items=True,
    enum=_SCALARS,
    limits={"levels": 10, "properties": 5000, "values": 1000},
)
ANTHROPIC = Rules(
    # 400: input_schema does not support oneOf, allOf, or anyOf at the top level; Property keys should match pattern
    source="https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools",
    names=r"[a-zA-Z0-9_.-]{1,64}",
)
ANTHROPIC_STRICT = Rules(
    source="https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations",
    refused=frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"}
        | {"maxItems", "uniqueItems", "minProperties", "maxProperties", "not", "if", "then", "else"}
        | {
            "patternProperties",
            "propertyNames",
            "dependentRequired",
            "dependentSchemas",
            "contains",
            "prefixItems",
        }
    ),
    formats=frozenset(
        {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
    ),
    regular=True,
    closed=True,
    circles="any",
    enum=_SCALARS,
    object_root=False,
    limits={"optional": 24, "unions": 16},
)
GEMINI = Rules(
    source="https://ai.google.dev/api/generate-content#FIELDS.response_json_schema",
    refused=frozenset({"definitions"}),
    beside_ref=frozenset({"$defs", "$id", "$anchor"}),
    circles="needed",
    object_root=False,
)
GEMINI_OPENAPI = Rules(
    # 400: Invalid JSON payload received. Unknown name "…": Cannot find field.
    source="https://ai.google.dev/api/caching#Schema",
    only=frozenset(
        {"type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties"}
        | {
            "required",
            "minProperties",
            "maxProperties",
            "minLength",
            "maxLength",
            "pattern",
            "example",
            "anyOf",
        }
        | {"propertyOrdering", "default", "items", "minimum", "maximum", "max_items", "min_items", "any_of"}
        | {"min_properties", "max_properties", "min_length", "max_length", "property_ordering"}
    ),
    object_root=False,
)
OLLAMA = Rules(
    # failed to parse grammar: an unknown schema, a reference to nowhere, a pattern that does not run from ^ to $
    source="https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md#json-schemas--gbnf",
    refused=frozenset({"not", "if", "then", "else", "definitions"}),
    regular=True,
    object_root=False,
)


def refusals(schema: Any, rules: Rules) -> list[str]:
    """Return the reasons for which the vendor would answer with 400; empty where none is known."""
    if not isinstance(schema, Mapping):
        return [f"a schema is {schema!r}"]
    if rules.only is not None:
        return [
            f"{name} is an unknown name" for node in _nodes(schema) for name in node if name not in rules.only
        ]
    if (problem := _no_schema(schema)) is not None:
        return [problem]
    found = [*_root(schema, rules), *_counts(schema, rules), *_circles(schema, rules)]
    for node in _nodes(schema):
        found += [*_words(node, rules), *_objects(node, rules), *_references(node, schema, rules)]
    return found


def _no_schema(schema: Schema) -> str | None:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(dict(schema), format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        return f"no JSON Schema: {error.message} at {error.json_path}"
    except RecursionError:  # a hundred levels are too many for the validator, not for the vendors
        return None
    return None


def _nodes(root: Schema) -> Iterator[Schema]:
    yield root
    for inner in _inner(root):
        yield from _nodes(inner)


def _inner(node: Schema) -> Iterator[Schema]:
    found = [value for name in _BY_NAME for value in dict(node.get(name, {})).values()]
    found += [value for name in _LISTS for value in node.get(name, ())]
    found += [node.get(name) for name in _SINGLE]
    yield from (value for value in found if isinstance(value, Mapping))


def _types(node: Schema) -> list[str]:
    named = node.get("type", [])
    return [named] if isinstance(named, str) else named


def _root(root: Schema, rules: Rules) -> Iterator[str]:
    if rules.object_root:
        if root.get("type") != "object":
            yield f"the root is of type {root.get('type')!r}"
        yield from (f"{union} at the root" for union in _UNIONS if union in root)
    if rules.properties and "properties" not in root:
        yield "the root has no properties"


def _words(node: Schema, rules: Rules) -> Iterator[str]:
    yield from (f"{name} is refused" for name in node if name in rules.refused)
    words = "string" in _types(node) or not _types(
        node
    )  # on numbers, recorded requests with others were taken
    if rules.formats is not None and words and node.get("format", "date") not in rules.formats:
        yield f"format {node['format']!r} is refused"
    pattern = node.get("pattern", "")
    if rules.regular and (_LOOK_AROUND.search(pattern) or _BACK_REFERENCE.search(pattern)):
        yield f"pattern {pattern!r} is refused"
    if rules is ANTHROPIC_STRICT and node.get("minItems", 0) > 1:
        yield "minItems above 1 is refused"
    if rules is OLLAMA and pattern and not (pattern.startswith("^") and pattern.endswith("$")):
        yield f"pattern {pattern!r} does not run from ^ to $"
    if rules.items and "array" in _types(node) and "items" not in node:
        yield "an array has no items"
    if "enum" in node and not node["enum"]:
        yield "an empty enum"
    if rules.enum is not None and any(not isinstance(value, rules.enum) for value in node.get("enum", ())):
        yield "an enum of composed values"
    if rules is OPENAI_STRICT and node.keys().isdisjoint({"type", "anyOf", "$ref", "enum", "const"}):
        yield "a schema without a type"


def _objects(node: Schema, rules: Rules) -> Iterator[str]:
    properties = node.get("properties", {})
    if rules.names is not None:
        yield from (
            f"property {name!r} is refused" for name in properties if not re.fullmatch(rules.names, name)
        )
    if "object" not in _types(node) and "properties" not in node:
        return
    if rules.closed and node.get("additionalProperties") is not False:
        yield "an object is open"
    if rules.complete and set(node.get("required", ())) != set(properties):
        yield "an object does not require all its properties, and those alone"


def _references(node: Schema, root: Schema, rules: Rules) -> Iterator[str]:
    reference = node.get("$ref")
    if reference is None:
        return
    if not (reference == "#" or reference.removeprefix("#/$defs/") in root.get("$defs", {})):
        yield f"{reference!r} leads nowhere"
    if rules.beside_ref is not None and node.keys() - {"$ref"} - rules.beside_ref:
        yield f"{sorted(node.keys() - {'$ref'})} beside a reference"


def _counts(root: Schema, rules: Rules) -> Iterator[str]:
    every = list(_nodes(root))
    counts = {
        "levels": _levels(root),
        "properties": sum(len(node.get("properties", ())) for node in every),
        "values": sum(len(node.get("enum", ())) for node in every),
        "optional": sum(
            len(set(node.get("properties", ())) - set(node.get("required", ()))) for node in every
        ),
        "unions": sum("anyOf" in node and len(node["anyOf"]) > 1 for node in every),
    }
    yield from (f"{counts[name]} {name}" for name, most in rules.limits.items() if counts[name] > most)


def _levels(node: Schema) -> int:
    own = int("properties" in node)
    return own + max((_levels(inner) for inner in _inner(node)), default=0)


def _circles(root: Schema, rules: Rules) -> Iterator[str]:
    if rules.circles is None:
        return
    definitions = root.get("$defs", {})
    links = {name: set(_links(node, needed=rules.circles == "needed")) for name, node in definitions.items()}
    for name, direct in links.items():
        reached: set[str] = set()
        waiting = list(direct)
        while waiting:
            other = waiting.pop()
            if other not in reached:
                reached.add(other)
                waiting.extend(links.get(other, ()))
        if name in reached:
            yield f"{name!r} leads back to itself"


def _links(node: Schema, *, needed: bool) -> Iterator[str]:
    if "$ref" in node:
        yield node["$ref"].removeprefix("#/$defs/")
    optional = [
        inner for name, inner in node.get("properties", {}).items() if name not in node.get("required", ())
    ]
    for inner in _inner(node):
        if not (needed and any(inner is each for each in optional)):
            yield from _links(inner, needed=needed)
