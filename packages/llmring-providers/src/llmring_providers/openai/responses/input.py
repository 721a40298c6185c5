"""The messages of a conversation as input items: https://platform.openai.com/docs/api-reference/responses/create#input"""

from collections.abc import Mapping
from typing import Any

import msgspec
from llmring_types import Message

from llmring_providers._fit.history import agrees, replay_of
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.models import encrypts_reasoning, rules_for
from llmring_providers.openai.parameters import system_role
from llmring_providers.openai.parts import openai_part, unsupported
from llmring_providers.openai.responses.app_calls import call_id_of, open_calls, output_item
from llmring_providers.openai.responses.items import read_items, sendable, without_reasoning


def input_items(call: ChatCall, warnings: list[str]) -> list[Any]:
    """Return the conversation, oldest first; an assistant message may be several items.

    Raises:
        UnsupportedContentError: a part of a message has no place among them.
    """
    items = _Items(call, warnings)
    for message in call.request.messages:
        items.add(message)
    return items.items


class _Items:
    """The items so far."""

    def __init__(self, call: ChatCall, warnings: list[str]) -> None:
        self.items: list[Any] = []
        self._call = call
        self._warnings = warnings
        self._custom: set[Any] = set()
        """Ids of calls of custom tools, whose results are items of another type."""
        self._app_run: dict[str, Mapping[str, Any]] = {}
        """Calls of OpenAI's own tools that the application ran, by their ids."""

    def add(self, message: Message) -> None:
        content = message.content
        if message.role == "assistant":
            self._assistant(message)
            return
        if not isinstance(content, str):
            content = [_input_part(part, self._call) for part in content] or ""
        if message.role == "tool" and message.tool_call_id in self._app_run:
            self._result(self._app_run[message.tool_call_id], message, content)
        elif message.role == "tool":
            kind = (
                "custom_tool_call_output" if message.tool_call_id in self._custom else "function_call_output"
            )
            self.items.append({"type": kind, "call_id": message.tool_call_id or "", "output": content})
        else:
            role = "user" if message.role == "user" else system_role(self._call, self._warnings)
            self.items.append({"role": role, "content": content})

    def _result(self, item: Mapping[str, Any], message: Message, content: Any) -> None:
        failed = message.metadata is not None and message.metadata.get("is_error") is True
        found = output_item(item, content, failed=failed)
        if found is None:
            raise unsupported(f"result of a {item['type']} without a screenshot", self._call, "responses")
        self.items.append(found)

    def _assistant(self, message: Message) -> None:
        replay = replay_of(message, self._call, self._warnings, api="responses")
        kept = [item for item in replay if isinstance(item, dict) and isinstance(item.get("type"), str)]
        if kept and self._still_true(message, kept):
            if not encrypts_reasoning(self._call, rules_for(self._call)) and any(
                item.get("type") == "reasoning" for item in kept
            ):
                self._warn(
                    f"the reasoning of an earlier answer was left out: {self._call.ref} does not reason"
                )
                kept = [dict(item) for item in without_reasoning(kept)]
            self.items.extend(sendable(kept, stored=bool(self._call.request.extra_params.get("store"))))
            self._app_run.update(
                (call_id, item) for item in open_calls(kept) if (call_id := call_id_of(item))
            )
            self._custom.update(
                item.get("call_id") for item in kept if item.get("type") == "custom_tool_call"
            )
            return
        content = message.content
        if content and not isinstance(content, str):
            content = [_output_part(part, self._call) for part in content]
        if content or not message.tool_calls:
            self.items.append({"role": "assistant", "content": content or ""})
        for made in message.tool_calls or ():
            self._call_item(made)

    def _still_true(self, message: Message, kept: list[dict[str, Any]]) -> bool:
        """Return whether the items say what the message says; reasoning belongs to its own answer alone."""
        made = {call.get("id") for call in message.tool_calls or ()}
        custom = any(item.get("call_id") in made for item in kept if item.get("type") == "custom_tool_call")
        try:
            answer = read_items(kept, custom=custom)
        except msgspec.ValidationError:  # somebody wrote into what was to travel unchanged
            answer = None
        if answer is not None and agrees(message, answer.content, answer.calls):
            return True
        self._warn(
            "the reasoning of an earlier answer was left out: the message is no longer what the model said"
        )
        return False

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)

    def _call_item(self, made: Mapping[str, Any]) -> None:
        custom, call_id = made.get("custom"), made.get("id") or ""
        if isinstance(custom, Mapping):
            self._custom.add(call_id)
            self.items.append({"type": "custom_tool_call", "call_id": call_id, **custom})
            return
        function = made.get("function") or {}
        arguments = function.get("arguments") or "{}"
        if not isinstance(arguments, str):
            arguments = msgspec.json.encode(arguments).decode()
        item = {"type": "function_call", "call_id": call_id, "name": function.get("name") or ""}
        self.items.append({**item, "arguments": arguments})


def _input_part(part: Mapping[str, Any], call: ChatCall) -> Mapping[str, Any]:
    kind = part["type"]
    if kind in ("input_text", "input_image", "input_file"):
        return part
    wire = openai_part(part, call)
    if wire["type"] == "text":
        return {"type": "input_text", "text": wire.get("text")}
    if wire["type"] == "image_url":
        image = wire.get("image_url") or {}
        return {"type": "input_image", "image_url": image.get("url"), "detail": image.get("detail") or "auto"}
    if wire["type"] == "file":
        return {"type": "input_file", **(wire.get("file") or {})}
    raise unsupported(kind, call, "responses")


def _output_part(part: Mapping[str, Any], call: ChatCall) -> Mapping[str, Any]:
    kind = part["type"]
    if kind in ("text", "output_text"):
        return {"type": "output_text", "text": part.get("text")}
    if kind == "refusal":
        return part
    raise unsupported(f"{kind} in an assistant message", call, "responses")
