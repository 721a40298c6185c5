"""Structured output, as far as both APIs agree: https://platform.openai.com/docs/guides/structured-outputs"""

from collections.abc import Mapping
from typing import Any

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._protocol import ChatCall

_WISH = "Answer with a JSON object."


def wanted_format(call: ChatCall) -> Mapping[str, Any] | None:
    """Return the response format, or that of ``json_response``.

    Raises:
        UnsupportedContentError: it is no dict: types are resolved before a call reaches a provider.
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


def json_schema(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inner part of a ``json_schema`` format, with a name; its fields may also stand beside it."""
    inner = wanted.get("json_schema")
    schema = dict(inner) if isinstance(inner, Mapping) else {}
    for name in ("schema", "name", "description", "strict"):
        if name in wanted:
            schema.setdefault(name, wanted[name])
    schema.setdefault("name", "response")
    return schema


def ask_for_json(messages: list[dict[str, Any]]) -> None:
    """Say "JSON" where no message does: OpenAI refuses JSON mode otherwise.

    https://platform.openai.com/docs/guides/structured-outputs#json-mode
    """
    if any("json" in str(message.get("content")).lower() for message in messages):
        return
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        messages[0] = {**first, "content": f"{first['content']}\n\n{_WISH}"}
    else:
        messages.insert(0, {"role": "system", "content": _WISH})
