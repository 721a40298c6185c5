"""The JSON Schema dialect of each vendor, as data with its source.

A keyword that a dialect lacks goes into the description, where the model at least reads it; whoever validates the
answer does so by the user's own schema.
"""

from typing import Literal, NamedTuple

Patterns = Literal["any", "regular", "anchored"]
Recursion = Literal["any", "optional", "none"]

_ALWAYS = frozenset(
    {"type", "description", "title", "properties", "required", "additionalProperties", "items"}
)
_ALWAYS |= {"anyOf", "enum", "$ref", "$defs"}
_LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_STRICT_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_KINDS = frozenset({"string", "number", "integer", "boolean", "null", "object", "array"})
_SCALARS = _KINDS - {"object", "array"}


class Dialect(NamedTuple):
    """A vendor's JSON Schema in one place of its API.

    Attributes:
        name: as it stands in sentences.
        source: the vendor's page, or the code that reads the schema.
        keywords: those that it takes; ``None`` for all of draft 2020-12.
        formats: those that it takes; ``None`` for any.
        patterns: ``regular`` without look-around, back references and word boundaries; ``anchored`` also from ``^``
            to ``$``.
        enum_kinds: the kinds of values that an ``enum`` may have.
        beside_ref: keywords that may stand beside ``$ref``; ``None`` for all.
        references: it follows ``$ref``; else what is meant is written out as far as it is short.
        recursion: where a schema may lead back to itself: ``optional`` in properties that are not required.
        closed: every object says ``additionalProperties: false``.
        closes: it may take ``additionalProperties: true`` beside named properties for ``false``.
        complete: every property is required.
        typed: every schema says of what type it is.
        object_answers: answers, as arguments everywhere, are objects: a schema of anything else is wrapped.
        items: every array says what is in it.
        min_items: the largest ``minItems``.
        names: the pattern of property names, where there is one.
        depth, properties, values, optional, unions: at most so many levels of objects, properties, enum values,
            properties that are not required, and unions in all.
    """

    name: str
    source: str
    keywords: frozenset[str] | None = None
    formats: frozenset[str] | None = None
    patterns: Patterns = "any"
    enum_kinds: frozenset[str] = _KINDS
    beside_ref: frozenset[str] | None = None
    references: bool = True
    recursion: Recursion = "any"
    closed: bool = False
    closes: bool = False
    complete: bool = False
    typed: bool = False
    object_answers: bool = False
    items: bool = False
    min_items: int | None = None
    names: str | None = None
    depth: int | None = None
    properties: int | None = None
    values: int | None = None
    optional: int | None = None
    unions: int | None = None


OPENAI_STRICT = Dialect(
    name="OpenAI's strict mode",
    source="https://platform.openai.com/docs/guides/structured-outputs#supported-schemas",
    keywords=_ALWAYS | _LIMITS | {"const", "pattern", "format", "minItems", "maxItems"},
    formats=_STRICT_FORMATS,
    patterns="regular",
    enum_kinds=_SCALARS,
    beside_ref=frozenset(),
    closed=True,
    complete=True,
    typed=True,
    object_answers=True,
    items=True,
    depth=10,
    properties=5000,
    values=1000,
)
"""``default``, ``oneOf``, ``allOf``, ``not`` and what stands beside a ``$ref`` are answered with 400."""

OPENAI = Dialect(
    name="OpenAI",
    source="https://platform.openai.com/docs/guides/function-calling#defining-functions",
    object_answers=True,
    items=True,
)
"""Not strict, the schema is only checked to be one, with an object at its root and something in its arrays."""

ANTHROPIC_STRICT = Dialect(
    name="Anthropic's structured outputs",
    source="https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations",
    keywords=_ALWAYS | {"const", "pattern", "format", "minItems", "default"},
    formats=_STRICT_FORMATS | {"uri"},
    patterns="regular",
    enum_kinds=_SCALARS,
    beside_ref=frozenset(),
    recursion="none",
    closed=True,
    typed=True,
    min_items=1,
    optional=24,
    unions=16,
)

ANTHROPIC = Dialect(
    name="Anthropic",
    source="https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools",
    names=r"[a-zA-Z0-9_.-]{1,64}",
)
"""Any JSON Schema of draft 2020-12 with an object and no union at its root."""

GEMINI = Dialect(
    name="Gemini",
    source="https://ai.google.dev/api/generate-content#FIELDS.response_json_schema",
    keywords=_ALWAYS
    | {"format", "prefixItems", "minItems", "maxItems", "minimum", "maximum", "oneOf", "propertyOrdering"}
    | {"default", "pattern", "minLength", "maxLength"},
    enum_kinds=frozenset({"string", "number", "integer"}),
    beside_ref=frozenset(),
    recursion="optional",
)
"""The last line is not on the page; recorded requests with them were taken."""

GEMINI_OPENAPI = Dialect(
    name="Gemini's older schema language",
    source="https://ai.google.dev/api/caching#Schema",
    keywords=frozenset(
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
        | {"propertyOrdering", "default", "items", "minimum", "maximum"}
    ),
)

OLLAMA_FORMAT = Dialect(
    name="Ollama's grammars",
    source="https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md#json-schemas--gbnf",
    keywords=_ALWAYS
    | _LIMITS - {"multipleOf"}
    | {
        "const",
        "pattern",
        "format",
        "prefixItems",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "oneOf",
    },
    formats=frozenset({"date", "time", "date-time", "uuid"}),
    patterns="anchored",
    beside_ref=frozenset(),
    typed=True,
)
"""There ``{}`` means any object, so that a schema of no type has to name them all."""

OLLAMA_TOOL = Dialect(
    name="Ollama's tools",
    source="https://github.com/ollama/ollama/blob/main/api/types.go",
    keywords=_ALWAYS - {"additionalProperties", "title"},
    beside_ref=frozenset(),
    references=False,
)
"""The server reads parameters into fields of its own and leaves out all others before the model sees them."""
