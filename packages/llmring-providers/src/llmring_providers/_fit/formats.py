"""The answer format of a request, and schemas in the dialect of a vendor."""

import math
from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall
from llmring_providers.schema import Dialect, Rewritten, rewrite

JSON_ALONE = "Answer with one JSON value and nothing else: no words before or after it, no code fence."
"""Asks in the system prompt for what a vendor or a model cannot be held to."""


def wanted_format(call: ChatCall) -> Mapping[str, Any] | None:
    """Return the response format, or that of ``json_response``.

    Raises:
        UnsupportedContentError: it is not a dict: types are resolved before a call reaches a provider.
    """
    wanted = call.request.response_format
    if wanted is None:
        return {"type": "json_object"} if call.request.json_response else None
    if not isinstance(wanted, Mapping):
        raise UnsupportedContentError(
            f"response_format must be a dict here; got {type(wanted).__name__}",
            provider=call.ref.provider,
            part="response_format",
        )
    return {"type": "json_object"} if wanted.get("type") == "json" else wanted


def wanted_schema(wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of a format, which may also stand beside its type; ``None`` where it has none."""
    for place in (wanted.get("json_schema"), wanted):
        schema = place.get("schema") if isinstance(place, Mapping) else None
        if isinstance(schema, Mapping):
            return schema
    return None


def in_dialect(schema: object, dialect: Dialect, call: ChatCall, *, answer: bool = False) -> Rewritten:
    """Write a schema in the dialect of a vendor, as :func:`llmring_providers.schema.rewrite` does.

    Raises:
        UnsupportedContentError: it is no schema, cannot be written as JSON, is nested too deeply, or cannot be sent
            there at all.
    """
    part = "response_format" if answer else "tools"
    if not isinstance(schema, Mapping):
        raise UnsupportedContentError(
            f"a schema must be a dict; got {type(schema).__name__}", provider=call.ref.provider, part=part
        )
    try:
        found = rewrite(schema, dialect, answer=answer)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedContentError(
            f"a schema cannot be written as JSON: {error}",
            provider=call.ref.provider,
            part=part,
            original=error,
        ) from error
    if found.unsendable:
        raise UnsupportedContentError(
            f"{dialect.name} refuses a schema: {found.unsendable[0]}",
            provider=call.ref.provider,
            part=part,
        )
    return found


def schema_in_words(schema: Mapping[str, Any], call: ChatCall) -> str:
    """Ask for a JSON value of a schema in the system prompt.

    Raises:
        UnsupportedContentError: it cannot be written as JSON.
    """
    try:
        written: Any = _finite(schema)
    except RecursionError:
        written = schema  # the encoder says what is wrong with it
    return f"{JSON_ALONE} It must match this JSON Schema: {encode_body(written, call).decode()}"


def _finite(value: Any) -> Any:
    """Return a schema without keywords of no finite number, which say nothing and are no JSON."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items() if not _is_endless(inner)}
    if isinstance(value, list):
        return [_finite(inner) for inner in value if not _is_endless(inner)]
    return value


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def unknown_format(wanted: Mapping[str, Any], call: ChatCall) -> UnsupportedContentError:
    """Build the error for a format of a type that the provider has not."""
    return UnsupportedContentError(
        f"{call.ref} has no response format {wanted.get('type')!r}; use json_schema or json_object",
        provider=call.ref.provider,
        part="response_format",
    )
