"""Messages given as dicts, in the forms in which people have them: all that they say is carried.

Taken are OpenAI's form with its older ``function_call`` and role ``function``
(https://platform.openai.com/docs/api-reference/chat/create), Anthropic's ``tool_use`` and ``tool_result`` blocks
(https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview), and calls written flat. A field that has no
place in :class:`Message` is kept in ``metadata["fields"]``; adapters send it where the protocol has it and warn where
it has not.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from llmring_types._messages import Message
from llmring_types._tools import tool_call
from llmring_types.exceptions import MessageValidationError, ValidationError

_ROLES = {"developer": "system", "function": "tool"}
_FIELDS = frozenset(Message.__struct_fields__)
_FLAT = ("arguments", "args", "input")
"""The arguments of a call that is not nested, as OpenAI's responses API, LangChain and Anthropic call them."""


def read_messages(values: Iterable[object]) -> list[Message]:
    """Return the messages; those that are messages already stay as they are.

    Raises:
        ValidationError: a value is neither a message nor a dict with its fields; the text names the place.
    """
    reader = _Reader()
    return [message for place, value in enumerate(values) for message in reader.read(place, value)]


class _Reader:
    """Reads one conversation. Legacy results name a function, not a call, so calls are remembered by name."""

    def __init__(self) -> None:
        self._legacy: dict[str, str] = {}

    def read(self, place: int, value: object) -> Iterator[Message]:
        if isinstance(value, Message):
            yield value
            return
        if not isinstance(value, dict):
            raise ValidationError(
                f"messages[{place}] must be a Message; got {type(value).__name__}", field=f"messages[{place}]"
            )
        try:
            for fields in self._messages(place, value):
                calls = fields.pop("tool_calls", None)
                message = msgspec.convert(fields, Message)
                yield msgspec.structs.replace(message, tool_calls=calls) if calls is not None else message
        except (msgspec.ValidationError, MessageValidationError) as error:
            raise ValidationError(f"messages[{place}]: {error}", field=f"messages[{place}]") from error

    def _messages(self, place: int, value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the fields of the message, after those of the results that stand in it as blocks."""
        fields = _neutral(value)
        role, content = fields.get("role"), fields.get("content")
        if role == "assistant":
            self._add_calls(place, fields, value.get("function_call"))
        if value.get("role") == "function" and fields.get("tool_call_id") is None:
            name = str(fields.get("name"))
            fields["tool_call_id"] = self._legacy.get(name, name)
        if (
            role == "user"
            and isinstance(content, list)
            and any(_kind(part) == "tool_result" for part in content)
        ):
            yield from (_result(part) for part in content if _kind(part) == "tool_result")
            fields["content"] = [part for part in content if _kind(part) != "tool_result"]
            if not fields["content"]:
                return
        yield fields

    def _add_calls(self, place: int, fields: dict[str, Any], legacy: Any) -> None:
        content, calls = fields.setdefault("content", None), fields.get("tool_calls")
        if calls is not None and not isinstance(calls, list):
            return
        made = [_nested(call) for call in calls or ()]
        if isinstance(content, list) and any(_kind(part) == "tool_use" for part in content):
            made += [_nested(part) for part in content if _kind(part) == "tool_use"]
            fields["content"] = [part for part in content if _kind(part) != "tool_use"] or None
        if isinstance(legacy, Mapping) and not made:
            call_id = f"call_{place}"
            self._legacy[str(legacy.get("name"))] = call_id
            made = [_nested({"id": call_id, "function": dict(legacy)})]
        if made:
            fields["tool_calls"] = made


def _neutral(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a message, with what else the dict says in its metadata."""
    fields = {name: inner for name, inner in value.items() if name in _FIELDS}
    fields["role"] = _ROLES.get(str(value.get("role")), value.get("role"))
    metadata = dict(fields["metadata"]) if isinstance(fields.get("metadata"), dict) else {}
    rest = {
        name: inner
        for name, inner in value.items()
        if name not in _FIELDS and name != "function_call" and inner not in (None, "", [], {})
    }
    refusal = rest.get("refusal")
    if fields["role"] == "assistant" and isinstance(refusal, str):
        del rest["refusal"]
        fields["content"] = [*_parts(value.get("content")), {"type": "refusal", "refusal": refusal}]
    if "cache_control" in rest:
        metadata.setdefault("cache_control", rest.pop("cache_control"))
    if rest:
        metadata["fields"] = {**metadata.get("fields", {}), **rest}
    if metadata:
        fields["metadata"] = metadata
    return fields


def _parts(content: Any) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content) if isinstance(content, list) else []


def _kind(part: Any) -> Any:
    return part.get("type") if isinstance(part, dict) else None


def _nested(call: Any) -> Any:
    """A call with its function nested and the arguments as text; what is no call is left to be refused."""
    if not isinstance(call, dict) or "custom" in call:
        return call
    function = call.get("function")
    if not isinstance(function, dict):
        arguments = next((call[name] for name in _FLAT if call.get(name) is not None), None)
        function = {"name": call.get("name"), "arguments": arguments}
    if not isinstance(function.get("name"), str):
        return call
    neutral = tool_call("", function["name"], function.get("arguments"))
    return {**neutral, "id": call.get("call_id") or call.get("id")}


def _result(block: Mapping[str, Any]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"is_error": True} if block.get("is_error") is True else {}
    if block.get("cache_control"):
        metadata["cache_control"] = block["cache_control"]
    content = block.get("content")
    return {
        "role": "tool",
        "tool_call_id": block.get("tool_use_id"),
        "content": "" if content is None else content,
        "metadata": metadata or None,
    }
