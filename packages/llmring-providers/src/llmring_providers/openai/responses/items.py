"""Output items as the neutral answer, and those that have to travel back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import ToolCall, tool_call

from llmring_providers._fit.tools import unquoted
from llmring_providers.openai.responses.app_calls import app_call, open_calls
from llmring_providers.openai.responses.wire import Item, Part

_READ = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})
_TEXTS = frozenset({"output_text", "text", "input_text"})
"""Parts that are texts: the vendor's, and those of hosts that copy its protocol."""
_PLAIN: Mapping[str, frozenset[str]] = {
    "message": frozenset({"type", "id", "role", "status", "content"}),
    "function_call": frozenset({"type", "id", "call_id", "name", "arguments", "status"}),
}
"""Items, and their fields, that the neutral form carries whole."""


class Answer(msgspec.Struct):
    """Items in the neutral form."""

    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    calls: list[ToolCall] = []
    annotations: list[Any] = []
    logprobs: list[Any] = []

    @property
    def content(self) -> str:
        return self.text + self.refusal


def read_items(output: Sequence[Mapping[str, Any]], *, custom: bool = True) -> Answer:
    """Read items; those of tools that the host ran say nothing in the neutral form.

    Args:
        output: the items.
        custom: whether calls of custom tools are for the user. Where the user offered none they are those of tools that
            the host ran itself, as xAI's search does: https://docs.x.ai/docs/guides/tools/overview

    Raises:
        msgspec.ValidationError: an item is not of the shape that its type has.
    """
    answer = Answer()
    left = open_calls(output)
    for raw in output:
        kind = str(raw.get("type") or ("message" if "role" in raw else None))
        if left and any(raw is each for each in left):
            answer.calls.append(app_call(raw, len(answer.calls)))
        if kind not in _READ or (kind == "custom_tool_call" and not custom):
            continue
        item = msgspec.convert({**raw, "type": kind} if "type" not in raw else raw, Item)
        if item.type == "message":
            _message(answer, _parts(item.content))
        elif item.type == "reasoning":
            answer.reasoning += "".join(
                part.text or "" for part in (*(item.summary or ()), *_parts(item.content))
            )
        else:
            answer.calls.append(_call(item, len(answer.calls)))
    return answer


def _parts(content: list[Part] | str | None) -> list[Part]:
    return [Part("output_text", content)] if isinstance(content, str) else content or []


def _message(answer: Answer, parts: Iterable[Part]) -> None:
    for part in parts:
        answer.text += part.text or "" if part.type in _TEXTS else ""
        answer.refusal += part.refusal or ""
        if isinstance(part.annotations, list):
            answer.annotations.extend(part.annotations)
        if isinstance(part.logprobs, list):
            answer.logprobs.extend(part.logprobs)


def _call(item: Item, place: int) -> ToolCall:
    """A call in the neutral form; that of a custom tool has its free text as the argument ``input``."""
    arguments = {"input": item.input or ""} if item.type == "custom_tool_call" else unquoted(item.arguments)
    return tool_call(item.call_id or item.id or f"call_{place}", item.name or "", arguments)


def replay_items(output: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return all items if one of them says more than the neutral form does, else none.

    Reasoning at the very end is left out: OpenAI refuses it "without its required following item".
    """
    end = len(output)
    while end and output[end - 1].get("type") == "reasoning":
        end -= 1
    kept = list(output[:end])
    return [] if all(_plain(item) for item in kept) else kept


def sendable(items: Sequence[Mapping[str, Any]], *, stored: bool) -> list[Mapping[str, Any]]:
    """Return items as they can be sent again.

    Reasoning that came without its encrypted content is at OpenAI alone, and only if the answer was stored
    there. Without it, the ids of the items beside it must go too: OpenAI misses the reasoning that belongs to
    them.
    """
    items = [_without_status(item) for item in items]
    if stored or all(item.get("type") != "reasoning" or _carries_content(item) for item in items):
        return items
    return without_reasoning(items)


def _without_status(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """OpenAI says the status of a reasoning item and refuses it: "Unknown parameter: 'input[3].status'"."""
    if item.get("type") != "reasoning" or "status" not in item:
        return item
    return {name: value for name, value in item.items() if name != "status"}


def without_reasoning(items: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the items without reasoning, and without the ids that belong to it."""
    return [
        {name: value for name, value in item.items() if name != "id"}
        for item in items
        if item.get("type") != "reasoning"
    ]


def _carries_content(reasoning: Mapping[str, Any]) -> bool:
    return bool(reasoning.get("encrypted_content") or reasoning.get("content"))


def _plain(item: Mapping[str, Any]) -> bool:
    fields = _PLAIN.get(str(item.get("type")))
    return fields is not None and all(name in fields or item[name] is None for name in item)
