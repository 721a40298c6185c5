"""Input items as neutral messages: https://platform.openai.com/docs/api-reference/responses/create#input

An answer is several items, so the items of the assistant that follow each other are one message. Those that say more
than text and calls, such as reasoning, are kept whole, to be replayed as they came.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types.exceptions import ValidationError

from llmring_providers.hosting.answering import first_restored
from llmring_providers.hosting.reading import typed, unknown
from llmring_providers.openai.responses.items import read_items, replay_items

VENDOR = "openai"
# Tuples, since a client may send a list where a word belongs, and no set can be asked for that.
_ROLES = ("user", "system", "developer")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_TEXTS = ("input_text", "output_text", "text")
_SPOKEN = ("type", "role", "content", "id", "status")
_RESULT = ("type", "call_id", "output", "id", "status")
_USUAL_DETAIL = "auto"

_Item = dict[str, Any]


def conversation(
    instructions: str | None, items: str | Sequence[_Item], unread: list[str]
) -> list[dict[str, Any]]:
    """Return all messages as :class:`LLMRequest` reads them, oldest first."""
    reader = _Reader(unread)
    if instructions:
        reader.messages.append({"role": "system", "content": instructions})
    if isinstance(items, str):
        reader.messages.append({"role": "user", "content": items})
    else:
        for place, item in enumerate(items):
            reader.add(item, f"input[{place}]")
        reader.finish()
    return reader.messages


class _Reader:
    def __init__(self, unread: list[str]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._unread = unread
        self._answer: list[_Item] = []
        """Items of the assistant that wait for the end of their answer."""

    def add(self, item: _Item, where: str) -> None:
        kind = item.get("type", "message")
        if not isinstance(kind, str):
            raise ValidationError(f"{where}.type: must be a text", field="input")
        if kind == "message" and item.get("role") in _ROLES:
            self.finish()
            self._unread += unknown(item, _SPOKEN, where)
            self.messages.append({"role": item["role"], "content": _content(item.get("content"), where)})
        elif kind in _OUTPUTS:
            self.finish()
            self._unread += unknown(item, _RESULT, where)
            result = {"role": "tool", "tool_call_id": item.get("call_id")}
            self.messages.append({**result, "content": _content(item.get("output"), where)})
        else:
            if kind == "message" and item.get("role") != "assistant":
                raise ValidationError(f"{where}.role: no such role", field="input")
            self._answer.append(_whole(item, where) if kind == "message" else item)

    def finish(self) -> None:
        """End an answer."""
        items, native = first_restored(self._answer, "encrypted_content")
        self._answer = []
        if not items:
            return
        try:
            answer = read_items(items)
        except msgspec.ValidationError as error:
            raise ValidationError(f"input: {error}", original=error) from error
        message: dict[str, Any] = {"role": "assistant", "tool_calls": answer.calls or None}
        if replay := _beyond(items):
            message["metadata"] = {"native": {"provider": VENDOR, "api": "responses", "replay": replay}}
            message["content"] = answer.content or (None if answer.calls else "")
        else:
            message["content"] = _said(items) or (None if answer.calls else "")
            if native is not None:
                message["metadata"] = {"native": native}
        self.messages.append(message)


def _beyond(items: Sequence[_Item]) -> list[Any]:
    """Return all items if one of them says more than the neutral form; reasoning at the end stays here with them."""
    return list(items) if replay_items(items) or items[-1].get("type") == "reasoning" else []


def _whole(item: _Item, where: str) -> _Item:
    """Return a message of the assistant with its content as parts; it may be written as a mere text."""
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "output_text", "text": content}]
    return {**item, "type": "message", "content": typed(content or [], list[dict[str, Any]], where)}


def _said(items: Sequence[_Item]) -> Any:
    """Return the content of plain messages: a text, or parts where there are several or a refusal."""
    parts = [_part(part) for item in items if item["type"] == "message" for part in item["content"]]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts


def _content(content: Any, where: str) -> Any:
    if content is None or isinstance(content, str):
        return content or ""
    return [_part(part) for part in typed(content, list[dict[str, Any]], where)]


def _part(part: _Item) -> _Item:
    """Return a part in OpenAI's older form, which every adapter takes; one that says more passes as it is."""
    kind, keys = part.get("type"), part.keys()
    if kind in _TEXTS and not {name for name in keys - {"type", "text"} if part[name]}:
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image" and keys <= {"type", "image_url", "detail"}:
        image = {"url": part.get("image_url")}
        detail = part.get("detail")
        given = {**image, "detail": detail} if detail not in (None, _USUAL_DETAIL) else image
        return {"type": "image_url", "image_url": given}
    if kind == "input_file" and keys == {"type", "file_url"}:
        return {"type": "document", "source": {"type": "url", "url": part["file_url"]}}
    if kind == "input_file" and keys <= {"type", "filename", "file_data", "file_id"}:
        return {"type": "file", "file": {name: part[name] for name in part if name != "type"}}
    return dict(part)


def text_of(item: Mapping[str, Any]) -> str:
    """Return the text of an output item, refusals and summaries included."""
    parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
    return "".join(
        str(part.get("text") or part.get("refusal") or "") for part in parts if isinstance(part, dict)
    )
