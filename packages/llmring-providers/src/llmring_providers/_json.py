"""JSON in and out, where whatever is wrong with it becomes one of our errors."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from llmring_types.exceptions import MalformedResponseError, UnsupportedContentError

from llmring_providers._protocol import ChatCall

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises on bytes that are not the JSON it was told to expect."""

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_SHORT = 8192
"""Bytes that are searched sooner than it is found out whether they have to be."""


def encode_body(body: Mapping[str, Any], call: ChatCall, *, plain: bool = False) -> bytes:
    """Write a request body.

    Args:
        body: the request in the form of the protocol.
        call: of the body.
        plain: each message is nothing but a role and a text, so that none can hold a number.

    Raises:
        UnsupportedContentError: it holds what JSON has no place for: a lone surrogate, NaN, an object, a cycle.
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
    searched = len(written) < _SHORT or _may_hold_numbers(call, plain=plain)
    if searched and b"null" in written and has_endless(body):  # which the encoder writes as null
        raise UnsupportedContentError(
            "the request cannot be written as JSON: it holds NaN or an infinity",
            provider=call.ref.provider,
            part="body",
        )
    return written


def _may_hold_numbers(call: ChatCall, *, plain: bool) -> bool:
    """Return whether the user gave numbers other than counts, so that a long body need not be searched for nothing."""
    request = call.request
    if request.extra_params or request.tools or request.response_format or request.cache or request.metadata:
        return True
    if any(map(is_endless, (request.temperature, request.max_tokens, request.reasoning_tokens))):
        return True
    return not plain and any(
        type(each.content) is not str or each.metadata or each.tool_calls for each in request.messages
    )


def has_endless(value: Any) -> bool:
    """Return whether NaN or an infinity stands somewhere in it."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
        elif is_endless(each):
            return True
    return False


def is_endless(value: Any) -> bool:
    """Return whether it is NaN or an infinity."""
    return isinstance(value, float) and not math.isfinite(value)


def decoder_of(kind: type[_T]) -> Callable[[bytes | msgspec.Raw], _T]:
    """Return a decoder of a wire form; where a number or a truth value of it comes as text, it is read all the same.

    Some hosts write counts as ``"12"``. Only what is not of the form is read twice.
    """
    strict = msgspec.json.Decoder(kind).decode
    lax = msgspec.json.Decoder(kind, strict=False).decode

    def decode(body: bytes | msgspec.Raw) -> _T:
        try:
            return strict(body)
        except msgspec.ValidationError as error:
            try:
                return lax(body)
            except msgspec.ValidationError:
                raise error from None

    return decode


def malformed(what: str, call: ChatCall, error: Exception | None = None) -> MalformedResponseError:
    """Build the error for an answer that is not what the protocol says."""
    return MalformedResponseError(
        f"{what}: {error}" if error is not None else what,
        provider=call.ref.provider,
        model=call.ref.model,
        original=error,
    )
