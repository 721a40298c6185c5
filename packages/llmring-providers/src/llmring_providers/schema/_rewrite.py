"""A schema in the words of a dialect."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from llmring_providers._json import has_endless
from llmring_providers.schema._circles import circles, loosened, written_out
from llmring_providers.schema._dialects import GEMINI_OPENAPI, Dialect
from llmring_providers.schema._merge import flattened
from llmring_providers.schema._normal import finite, normal
from llmring_providers.schema._references import localise, pruned
from llmring_providers.schema._root import as_object, needs_wrapping, unreferred, wrapped
from llmring_providers.schema._walk import Node, from_inside
from llmring_providers.schema._writer import Writer


class Rewritten(NamedTuple):
    """A schema as a dialect takes it.

    Attributes:
        json: the schema, written.
        objections: what the dialect cannot say even in words, such as maps with free names: sent all the same, the
            schema would be refused, or would keep the model from giving a right answer. Empty where it may be sent.
        unsendable: why it must not be sent in this place in any mode.
        wrapped: it stands under the only property :data:`WRAPPER` of an object, and so does the answer.
    """

    json: msgspec.Raw
    objections: tuple[str, ...] = ()
    unsendable: tuple[str, ...] = ()
    wrapped: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A copy of the schema as a tree."""
        read: dict[str, Any] = msgspec.json.decode(self.json)
        return read


def rewrite(schema: Mapping[str, Any], dialect: Dialect, *, answer: bool = False) -> Rewritten:
    """Say a schema in the words of a dialect; the given one is not changed.

    Args:
        schema: any JSON Schema of any draft.
        dialect: of the vendor, and of the place in its API.
        answer: it is of an answer rather than of a function's arguments: where the dialect wants an object at the
            root, a schema of anything else is wrapped.

    Raises:
        TypeError, ValueError: it cannot be written as JSON.
        RecursionError: it is nested too deeply to be written.
    """
    return _rewrite(_written(schema), dialect, answer)


def completed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema whose objects require all their properties and take no others, unless they say so.

    Every answer to it is one to the given schema, and strict modes take it if they take the given one at all.

    Raises:
        TypeError, ValueError, RecursionError: as for :func:`rewrite`.
    """
    return from_inside(_prepared(_written(schema)), _complete)


def _complete(node: Node) -> Node:
    if "properties" in node:
        node["required"] = list(dict.fromkeys([*node["properties"], *node.get("required", ())]))
        node.setdefault("additionalProperties", False)
    return node


def wraps(schema: Mapping[str, Any]) -> bool:
    """Return whether an answer to this schema may come as the only property :data:`WRAPPER` of an object.

    Raises:
        TypeError, ValueError, RecursionError: as for :func:`rewrite`.
    """
    return _wraps(_written(schema))


def _written(schema: Mapping[str, Any]) -> bytes:
    written = msgspec.json.encode(schema)
    if b"null" in written and has_endless(schema):  # which the encoder writes as null
        written = msgspec.json.encode(finite(schema))
    return written


@lru_cache(maxsize=256)
def _wraps(written: bytes) -> bool:
    return needs_wrapping(_prepared(written))


def _prepared(written: bytes) -> Node:
    """The schema in one spelling, with no reference at its root."""
    return unreferred(normal(localise(msgspec.json.decode(written))))


@lru_cache(maxsize=512)
def _rewrite(written: bytes, dialect: Dialect, answer: bool) -> Rewritten:
    writer = Writer(dialect)
    if dialect is GEMINI_OPENAPI:
        root = from_inside(msgspec.json.decode(written), writer.known_only)
        return Rewritten(msgspec.Raw(msgspec.json.encode(root)))
    root = _prepared(written)
    if dialect.keywords is not None:
        root = flattened(root)
    wrap = answer and dialect.object_answers and needs_wrapping(root)
    if wrap:
        root = wrapped(root)
    elif dialect.object_answers or not answer:
        root = as_object(root, answer=answer and dialect.closed)
    objections: list[str] = []
    if dialect.recursion == "none" and (found := circles(root)):
        objections.append(f"{min(found)!r} refers to itself")
    if dialect.recursion == "optional":
        root = loosened(root)
    if "$defs" in root:
        root = pruned(root)
    if not dialect.references:
        root = written_out(root)
    root = from_inside(root, writer.change)
    writer.measure(root)
    objections += writer.objections
    return Rewritten(
        msgspec.Raw(msgspec.json.encode(root)),
        tuple(dict.fromkeys(objections)),
        tuple(writer.unsendable),
        wrapped=wrap,
    )
