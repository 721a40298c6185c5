"""JSON in and out, where whatever is wrong with it becomes one of our errors."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import MalformedResponseError, UnsupportedContentError

from llmring_providers._protocol import ChatCall

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on bytes that are not the JSON it was told to expect."""

_encode = msgspec.json.Encoder().encode


def encode_body(body: Mapping[str, Any], call: ChatCall) -> bytes:
    """Write a request body.

    Raises:
        UnsupportedContentError: it holds what JSON has no place for: a lone surrogate, an object, a cycle.
    """
    try:
        written = _encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedContentError(
            f"the request cannot be written as JSON: {error}",
            provider=call.ref.provider,
            part="body",
            original=error,
        ) from error
    if b"null" in written and (place := _not_finite(body)) is not None:
        raise UnsupportedContentError(
            f"the request cannot be written as JSON: {place.removeprefix('.')} is not a finite number",
            provider=call.ref.provider,
            part="body",
        )
    return written


def _not_finite(value: Any, place: str = "") -> str | None:
    """Return the place of a number that JSON has not; the encoder writes ``null`` for it."""
    if isinstance(value, float):
        return None if math.isfinite(value) else place
    if isinstance(value, Mapping):
        found = (_not_finite(inner, f"{place}.{name}") for name, inner in value.items())
    elif isinstance(value, (list, tuple)):
        found = (_not_finite(inner, f"{place}[{number}]") for number, inner in enumerate(value))
    else:
        return None
    return next((inner for inner in found if inner is not None), None)


def malformed(what: str, call: ChatCall, error: Exception | None = None) -> MalformedResponseError:
    """Build the error for an answer that is not what the protocol says."""
    return MalformedResponseError(
        f"{what}: {error}" if error is not None else what,
        provider=call.ref.provider,
        model=call.ref.model,
        original=error,
    )
