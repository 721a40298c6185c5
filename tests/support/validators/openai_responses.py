"""Refusals by OpenAI's responses API: https://platform.openai.com/docs/api-reference/responses/create"""

from collections.abc import Iterator, Mapping
from typing import Any

from validators import _models
from validators.openai_chat import NAME, answer, tools

_PARTS: Mapping[str, frozenset[str]] = {
    "user": frozenset({"input_text", "input_image", "input_file", "input_audio"}),
    "assistant": frozenset({"output_text", "refusal", "input_text"}),
    "system": frozenset({"input_text", "input_image", "input_file"}),
    "developer": frozenset({"input_text", "input_image", "input_file"}),
}
_OF_CHAT = (
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "reasoning_effort",
    "n",
    "stop",
)
_LEAST = 16
_FILES_REFUSED = ("audio/", "video/")
"""400: Invalid file data … got unsupported MIME type 'audio/mpeg'."""


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body."""
    del path
    yield from (f"{name} is of chat completions" for name in _OF_CHAT if name in body)
    items = body.get("input")
    for item in items if isinstance(items, list) else ():
        yield from _item(item)
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < _LEAST and _models.is_known(body):
        yield f"integer below minimum value: {limit}"
    yield from _models.values(body, (body.get("text") or {}).get("verbosity"))
    effort = (body.get("reasoning") or {}).get("effort")
    yield from _models.openai_model(body, effort, chat=False)
    if not 0 <= (body.get("temperature") or 0) <= 2:
        yield "temperature is not within 0 and 2"
    yield from tools([tool for tool in body.get("tools", ()) if tool.get("type") == "function"])
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        yield from answer(form, body)
    if form.get("type") == "json_object" and "json" not in str(items).lower():
        yield "JSON mode, and no message says JSON"


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    role, content = item.get("role"), item.get("content")
    if item.get("type", "message") == "message" and role not in _PARTS:
        yield f"role {role!r}"
        return
    parts = content if isinstance(content, list) else item.get("output")
    for part in parts if isinstance(parts, list) else ():
        if role is not None and part.get("type") not in _PARTS[role]:
            yield f"a part {part.get('type')!r} in a message of role {role}"
        data = str(part.get("file_data", ""))
        if data.startswith(tuple(f"data:{kind}" for kind in _FILES_REFUSED)):
            yield f"a file of {data[5:20]}"
    if item.get("type") == "function_call" and NAME.fullmatch(item.get("name", "")) is None:
        yield f"a function is called {item.get('name')!r}"
    if item.get("type") == "reasoning" and "status" in item:
        yield "Unknown parameter: status of a reasoning item"
