"""Answers of the usage server, as far as tables show them. JSON output is the unchanged answer."""

from typing import Any, TypeVar

import msgspec

from llmring_cli._output import CommandError

T = TypeVar("T")


class Sums(msgspec.Struct, kw_only=True):
    """Of a model, an alias or an origin; the server has no tokens of the last."""

    requests: int
    cost: float
    input_tokens: int = 0
    output_tokens: int = 0


class Day(msgspec.Struct, kw_only=True):
    """Of a day; only its most used model counts."""

    date: str
    requests: int
    cost: float
    top_model: str | None = None


class Summary(msgspec.Struct, kw_only=True):
    """Of everything."""

    total_requests: int
    total_cost: float
    total_tokens: int


class Statistics(msgspec.Struct, kw_only=True):
    """``GET /api/v1/stats``."""

    summary: Summary
    by_day: list[Day]
    by_model: dict[str, Sums]
    by_origin: dict[str, Sums]
    by_alias: dict[str, Sums]


class LogRow(msgspec.Struct, kw_only=True):
    """A row of ``GET /api/v1/logs``."""

    logged_at: str
    provider: str
    model: str
    alias: str | None = None
    profile: str | None = None
    origin: str | None = None
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    cost: float | None = None


class Conversation(msgspec.Struct, kw_only=True):
    """One of ``GET /api/v1/conversations/``."""

    id: str
    title: str | None = None
    model_alias: str | None = None
    message_count: int = 0
    total_input_tokens: int = 0
    total_output_tokens: int = 0
    total_cost: float | None = None
    updated_at: str | None = None


class StoredMessage(msgspec.Struct, kw_only=True):
    """A message of a conversation. ``content`` is missing where the server keeps only hashes."""

    role: str
    content: str | None = None
    tool_calls: list[Any] | None = None


def read_answer(answer: Any, kind: type[T]) -> T:
    """Return the answer as this type; decimals come as texts.

    Raises:
        CommandError: it is not of this shape.
    """
    try:
        return msgspec.convert(answer, kind, strict=False)
    except msgspec.ValidationError as error:
        raise CommandError(f"the usage server's answer does not follow its protocol: {error}") from error
