"""The form of answer that a request asks for."""

from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._protocol import ChatCall


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


def unknown_format(wanted: Mapping[str, Any], call: ChatCall) -> UnsupportedContentError:
    """Build the error for a format of a type that the provider has not."""
    return UnsupportedContentError(
        f"{call.ref} has no response format {wanted.get('type')!r}; use json_schema or json_object",
        provider=call.ref.provider,
        part="response_format",
    )
