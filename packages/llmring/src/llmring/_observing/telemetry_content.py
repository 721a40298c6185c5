"""Messages and answers in the JSON that OpenTelemetry's conventions give them.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-input-messages.json
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import LLMResponse, Message

from llmring._json import ENCODE_ERRORS
from llmring._records import CallRecord

_encode = msgspec.json.Encoder(enc_hook=repr).encode
_MODALITIES = ("image", "audio", "video", "document")


def content_attributes(record: CallRecord) -> dict[str, str]:
    """Return the attributes with content, as JSON text, which is what spans can hold; none that cannot be written."""
    found: dict[str, Sequence[Mapping[str, Any]]] = {
        "gen_ai.input.messages": [_message(message) for message in record.request.messages]
    }
    if record.response is not None and record.operation == "chat":
        found["gen_ai.output.messages"] = [_answer(record.response)]
    if record.request.tools:
        found["gen_ai.tool.definitions"] = record.request.tools
    return {name: text for name, value in found.items() if (text := _json(value)) is not None}


def _json(value: object) -> str | None:
    try:
        return _encode(value).decode()
    except ENCODE_ERRORS:
        return None


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        result = message.content
        if isinstance(result, list):
            result = [_part(part) for part in result]
        said = {"type": "tool_call_response", "id": message.tool_call_id, "response": result}
        return {"role": "tool", "parts": [said]}
    content = message.content
    parts = [_text(content)] if isinstance(content, str) and content else []
    if isinstance(content, list):
        parts = [_part(part) for part in content]
    return {"role": message.role, "parts": parts + [_call(call) for call in message.tool_calls or ()]}


def _answer(response: LLMResponse) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if response.reasoning:
        parts.append({"type": "reasoning", "content": response.reasoning})
    if response.content:
        parts.append(_text(response.content))
    parts += [_call(call) for call in response.tool_calls or ()]
    return {"role": "assistant", "parts": parts, "finish_reason": response.finish_reason or "error"}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call of a message, which users may have written: a custom tool's, without an id, with arguments decoded."""
    function = call.get("function") or call.get("custom") or {}
    return {
        "type": "tool_call",
        "id": call.get("id"),
        "name": function.get("name"),
        "arguments": _decoded(function.get("arguments", function.get("input"))),
    }


def _decoded(arguments: object) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return arguments


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """Text as it is; of media what they are, not their bytes, which are too large for a span."""
    kind = str(part.get("type"))
    if kind == "text":
        return _text(str(part.get("text", "")))
    modality = next((known for known in _MODALITIES if known in kind), "document")
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if isinstance(url, str) and not url.startswith("data:"):
        return {"type": "uri", "modality": modality, "uri": url}
    source = part.get("source")
    medium = source.get("media_type") if isinstance(source, Mapping) else None
    return {"type": kind, "modality": modality, "mime_type": medium}
