"""Refusals of calls without results and of results without calls, read from each vendor's form.

https://platform.openai.com/docs/guides/function-calling
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Step = tuple[list[Any], list[Any]]
"""The ids of calls that a message makes, and of the calls that it answers."""


def unpaired(steps: Iterable[Step], *, apart: bool = False) -> Iterator[str]:
    """Return what is refused: results must stand right behind their calls, one for each.

    Args:
        steps: the messages, in order.
        apart: whether ids must be unique in the whole conversation.
    """
    pending: list[Any] = []
    earlier: set[Any] = set()
    for calls, results in steps:
        for result in results:
            if result not in pending:
                yield f"a result for {result!r}, which nobody called"
            else:
                pending.remove(result)
        if results:
            continue
        if pending:
            yield f"no result for {pending}"
        if len(set(calls)) < len(calls) or (apart and earlier & set(calls)):
            yield f"ids of calls twice: {calls}"
        earlier.update(calls)
        pending = list(calls)
    if pending:
        yield f"the conversation ends without a result for {pending}"


def doubled(names: Iterable[Any]) -> Iterator[str]:
    """Return what is refused of names of functions: https://github.com/anthropics/claude-code/issues/10687"""
    yield from (
        f"Tool names must be unique: {name!r}"
        for name, count in Counter(map(str, names)).items()
        if count > 1
    )


def of_chat(messages: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Read messages of chat completions."""
    for message in messages:
        results = [message.get("tool_call_id")] if message.get("role") == "tool" else []
        yield [call.get("id") for call in message.get("tool_calls") or ()], results


def of_anthropic(messages: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Read messages of Anthropic's."""
    for message in messages:
        content = message.get("content")
        blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
        calls = [block.get("id") for block in blocks if block.get("type") == "tool_use"]
        yield calls, [block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"]


def of_gemini(turns: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
    """Read turns of Gemini's, which pairs calls and results by their number."""
    for turn in turns:
        parts = [part for part in turn.get("parts") or () if isinstance(part, dict)]
        calls = [part for part in parts if "functionCall" in part]
        results = [part for part in parts if "functionResponse" in part]
        yield list(range(len(calls))), list(range(len(results)))
