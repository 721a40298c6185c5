"""Input rules of the usage server: FastAPI's lax types, and the column limits of its database."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

INT32 = 2**31
LIMITS = {"provider": 50, "model": 255, "alias": 128, "profile": 64, "origin": 255, "id_at_origin": 255}


class DatabaseError(Exception):
    """An error that the server does not handle."""


class InvalidError(Exception):
    """A refusal by FastAPI: type and place of the error."""

    def __init__(self, kind: str, *loc: str) -> None:
        super().__init__(kind)
        self.row = {"type": kind, "loc": list(loc), "msg": kind.replace("_", " "), "input": None}


def decode_body(raw: bytes, content_type: str) -> Json:
    if not raw:
        raise InvalidError("missing", "body")
    if content_type == "text/plain":
        raise InvalidError("model_attributes_type", "body")
    try:
        body = json.loads(raw)
    except ValueError:
        raise InvalidError("json_invalid", "body") from None
    if not isinstance(body, dict):
        raise InvalidError("model_attributes_type", "body")
    if b"\\u0000" in raw.replace(b"\\\\", b""):
        raise DatabaseError
    return body


def text(body: Json, name: str) -> str:
    if name not in body:
        raise InvalidError("missing", "body", name)
    if not isinstance(body[name], str):
        raise InvalidError("string_type", "body", name)
    return str(body[name])


def integer(body: Json, name: str, default: int | None = None) -> int:
    if name not in body and default is not None:
        return default
    if name not in body:
        raise InvalidError("missing", "body", name)
    value = body[name]
    if isinstance(value, float) and not value.is_integer():
        raise InvalidError("int_from_float", "body", name)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise InvalidError("int_type", "body", name) from None


def number(body: Json, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidError("float_parsing", "body", name) from None


def mapping(body: Json, name: str) -> Json:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise InvalidError("dict_type", "body", name)
    return value


def bounded(query: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    try:
        value = int(query.get(name, default))
    except ValueError:
        raise InvalidError("int_parsing", "query", name) from None
    if value < least:
        raise InvalidError("greater_than_equal", "query", name)
    if most is not None and value > most:
        raise InvalidError("less_than_equal", "query", name)
    return value


def moment(text: str | None, *, last: bool) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DatabaseError from None
    if len(text) == len("2026-11-22") and last:
        found += timedelta(days=1, microseconds=-1)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def check_columns(row: Json) -> None:
    """Raise for values that the columns do not take."""
    for name, longest in LIMITS.items():
        if row[name] is not None and len(row[name]) > longest:
            raise DatabaseError
    counts = (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"])
    if any(abs(count) >= INT32 for count in counts) or not abs(row["cost"]) < 100:
        raise DatabaseError
    if not math.isfinite(row["cost"]):
        raise DatabaseError
