"""Readers that several protocols share."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, get_args
from urllib.parse import unquote

import msgspec
from llmring_types import LLMRequest, ReasoningEffort
from llmring_types.exceptions import ValidationError

from llmring_providers._json import DECODE_ERRORS

T = TypeVar("T")

EFFORTS = frozenset(get_args(ReasoningEffort))
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def document(body: bytes) -> dict[str, Any]:
    """Read a body.

    Raises:
        ValidationError: it is not a JSON object.
    """
    try:
        return _decode(body)
    except DECODE_ERRORS as error:
        raise ValidationError(f"the body is not a JSON object: {error}", original=error) from error


def typed(value: Any, kind: type[T], where: str = "") -> T:
    """Return a value as a struct; fields that it does not have are left out.

    Raises:
        ValidationError: a field has another type than the protocol says.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValidationError(f"{where}: {error}" if where else str(error), original=error) from error


def built(**fields: Any) -> LLMRequest:
    """Build the request from what has a place in it; what is ``None`` is left out.

    Raises:
        ValidationError: a value that no provider could take.
    """
    try:
        return LLMRequest(**{name: value for name, value in fields.items() if value is not None})
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValidationError(
            f"the request is not what the protocol says: {error}", original=error
        ) from error


def rest_of(body: Mapping[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return what a struct has no field for."""
    known = kind.__struct_encode_fields__
    return {name: value for name, value in body.items() if name not in known and value is not None}


def unknown(value: Mapping[str, Any], known: Iterable[str], where: str) -> list[str]:
    """Return the places of fields that are not known."""
    return [f"{where}.{name}" for name in value if name not in known]


def split(target: str) -> tuple[str, Mapping[str, str]]:
    """Return the path of a target, and its query with the last value of each name."""
    path, _, query = target.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return path.rstrip("/") or "/", {unquote(name): unquote(value) for name, _, value in pairs}


def function_tool(
    name: Any, description: Any, parameters: Any, strict: Any = None, more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a function in OpenAI's form; what is ``None`` is left out."""
    inner = {"name": name, "description": description, "parameters": parameters, "strict": strict}
    function = {key: value for key, value in inner.items() if value is not None}
    return {"type": "function", "function": function, **(more or {})}


def named_choice(names: Iterable[str], mode: str = "required") -> dict[str, Any]:
    """Return the choice of one function, or of some, in OpenAI's form."""
    functions = [{"type": "function", "function": {"name": name}} for name in names]
    if len(functions) == 1 and mode == "required":
        return functions[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": functions}}


def effort_of(word: Any) -> Any:
    """Return an effort that the neutral form has, else ``None``."""
    return word if isinstance(word, str) and word in EFFORTS else None
