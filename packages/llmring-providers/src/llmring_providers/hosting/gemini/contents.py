"""Gemini's ``contents`` as neutral messages.

Results of functions are parts of the user's turns there, and messages of their own here. Calls need no ids there; here
each has one. A turn of the model that says more than text and calls keeps its parts, to be replayed as they came.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from llmring_types import tool_call

from llmring_providers.google.tools import camel
from llmring_providers.hosting.answering import restored
from llmring_providers.hosting.reading import typed

VENDOR = "google"
_KNOWN = frozenset({"text", "inlineData", "fileData", "functionResponse", "thought"})
_AUDIO = {"audio/wav": "wav", "audio/mp3": "mp3"}
_FAILED = "error"


class Content(Protocol):
    parts: list[dict[str, Any]] | None
    role: str | None


class _Called(msgspec.Struct):
    name: str
    id: str | None = None
    args: dict[str, Any] | None = None


class _Response(msgspec.Struct):
    name: str = ""
    id: str | None = None
    response: dict[str, Any] | None = None
    parts: list[dict[str, Any]] | None = None


class _Data(msgspec.Struct, rename="camel"):
    mime_type: str = ""
    data: str = ""
    file_uri: str = ""


def conversation(
    system: Content | None, contents: Iterable[Content], unread: list[str]
) -> list[dict[str, Any]]:
    """Return all messages as :class:`LLMRequest` reads them, oldest first."""
    reader = _Reader(unread)
    if system is not None:
        reader.said("system", system.parts or [], "systemInstruction")
    for place, content in enumerate(contents):
        reader.add(content, f"contents[{place}]")
    return reader.messages


class _Reader:
    def __init__(self, unread: list[str]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._unread = unread
        self._calls = 0
        self._waiting: list[tuple[str, str]] = []
        """Calls without a result yet, oldest first: name and id."""

    def add(self, content: Content, where: str) -> None:
        parts = [{camel(name): value for name, value in part.items()} for part in content.parts or ()]
        if content.role == "model":
            self._model(parts)
            return
        said: list[dict[str, Any]] = []
        for part in parts:
            if "functionResponse" in part:
                self._result(typed(part["functionResponse"], _Response, where), where)
            else:
                said.append(part)
        if said or not parts:
            self.said("system" if content.role == "system" else "user", said, where)

    def said(self, role: str, parts: Sequence[Mapping[str, Any]], where: str) -> None:
        """Take what somebody else than the model says; a lone text is the content itself."""
        content: Any = [
            read for part in parts if (read := self._part({camel(name): part[name] for name in part}, where))
        ]
        if len(content) == 1 and content[0]["type"] == "text":
            content = content[0]["text"]
        self.messages.append({"role": role, "content": content or ""})

    def _model(self, parts: list[dict[str, Any]]) -> None:
        native = None
        for at, part in enumerate(parts):
            if (found := restored(part.get("thoughtSignature"))) is not None:
                native = native or found
                parts[at] = {name: value for name, value in part.items() if name != "thoughtSignature"}
        parts = [
            part for part in parts if part != {"text": ""} and not (native and part.get("thought") is True)
        ]
        texts = [str(part["text"]) for part in parts if "text" in part and part.get("thought") is not True]
        calls = []
        plain = True
        for part in parts:
            if "functionCall" in part:
                made = typed(part["functionCall"], _Called, "functionCall")
                plain = plain and part.keys() == {"functionCall"} and made.id is not None
                calls.append(self._call(made))
            else:
                plain = plain and part.keys() == {"text"} and not calls
        text = "".join(texts)
        message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
        if plain and len(texts) > 1:
            message["content"] = [{"type": "text", "text": each} for each in texts]
        if calls:
            message["tool_calls"] = calls
        if not plain:
            message["metadata"] = {"native": {"provider": VENDOR, "replay": parts}}
        if native is not None:
            message["metadata"] = {"native": native}
        self.messages.append(message)

    def _call(self, made: _Called) -> Any:
        call_id = made.id or f"call_{self._calls}"
        self._calls += 1
        self._waiting.append((made.name, call_id))
        return tool_call(call_id, made.name, made.args)

    def _result(self, given: _Response, where: str) -> None:
        """Take a result. Without an id it answers the oldest call of its name."""
        call_id = given.id
        for at, (name, waiting) in enumerate(self._waiting):
            if waiting == given.id or (given.id is None and name == given.name):
                call_id = self._waiting.pop(at)[1]
                break
        message: dict[str, Any] = {"role": "tool", "tool_call_id": call_id or given.name, "name": given.name}
        content, failed = _result_text(given.response or {})
        message["content"] = content
        if media := [read for part in given.parts or () if (read := self._part(part, where))]:
            message["content"] = [{"type": "text", "text": content}, *media]
        if failed:
            message["metadata"] = {"is_error": True}
        self.messages.append(message)

    def _part(self, part: Mapping[str, Any], where: str) -> dict[str, Any] | None:
        known = part.keys() & _KNOWN
        self._unread += [f"{where}.parts.{name}" for name in part if name not in known]
        if "text" in part:
            return {"type": "text", "text": str(part["text"])}
        for name in ("inlineData", "fileData"):
            if name in part:
                given = {camel(key): value for key, value in typed(part[name], dict[str, Any], where).items()}
                return _media(typed(given, _Data, where))
        return None


def _result_text(response: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the content of a result, and whether the function failed.

    A result is an object there. The adapter puts a text under ``output``, a failure under ``error``; any other object
    stays one, as JSON text.
    """
    for name in ("output", _FAILED):
        if response.keys() == {name} and isinstance(response[name], str):
            return response[name], name == _FAILED
    failure = response.get(_FAILED)
    if response.keys() == {_FAILED} and isinstance(failure, dict):
        return msgspec.json.encode(failure).decode(), True
    return msgspec.json.encode(response).decode(), False


def _media(data: _Data) -> dict[str, Any]:
    """Return media in the form that most adapters take."""
    family = data.mime_type.partition("/")[0]
    if data.file_uri:
        source = {"type": "url", "url": data.file_uri, "media_type": data.mime_type}
        kind = family if family in ("image", "audio", "video") else "document"
        if not data.mime_type:
            del source["media_type"]
        return {"type": kind, "source": source}
    if family == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{data.mime_type};base64,{data.data}"}}
    if data.mime_type in _AUDIO:
        return {"type": "input_audio", "input_audio": {"data": data.data, "format": _AUDIO[data.mime_type]}}
    kind = family if family in ("audio", "video") else "document"
    return {"type": kind, "source": {"type": "base64", "media_type": data.mime_type, "data": data.data}}
