"""Cache marks within Anthropic's limits.

"A maximum of 4 blocks with cache_control may be provided": https://github.com/decolua/9router/issues/3795
The order of their times: https://github.com/cnighswonger/claude-code-cache-fix/issues/44
"""

import json
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import LLMRequest, Message, ModelRef, tool_call

SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def sent(request: LLMRequest) -> tuple[Any, tuple[str, ...]]:
    wire = AnthropicAdapter().encode(
        ChatCall(request, ModelRef("anthropic", "claude-sonnet-4-5")), stream=False
    )
    return json.loads(wire.body), wire.warnings


def text(words: str, mark: dict[str, str] | None = SHORT) -> list[dict[str, Any]]:
    return [{"type": "text", "text": words, **({"cache_control": mark} if mark else {})}]


def marks(value: Any) -> list[Any]:
    """The marks anywhere in a body, in Anthropic's order."""
    if isinstance(value, list):
        return [mark for each in value for mark in marks(each)]
    if not isinstance(value, dict):
        return []
    found = [mark for name in ("tools", "system", "messages", "content") for mark in marks(value.get(name))]
    return [*found, value["cache_control"]] if "cache_control" in value else found


def talk(count: int) -> list[Message]:
    roles = ["user", "assistant"] * count
    return [Message(role=role, content=text(f"turn {at}")) for at, role in enumerate(roles[:count])]  # type: ignore[arg-type]


@pytest.mark.parametrize(("cache", "kept"), [(None, [0, 4, 5, 6]), ({"type": "ephemeral"}, [0, 5, 6])])
def test_the_first_mark_and_the_last_ones_stay(cache: dict[str, str] | None, kept: list[int]) -> None:
    given = talk(7)
    body, warnings = sent(LLMRequest(given, cache=cache))
    assert len(marks(body)) == 4
    assert [at for at, turn in enumerate(body["messages"]) if "cache_control" in turn["content"][0]] == kept
    assert [part.content for part in given] == [part.content for part in talk(7)]
    left = 7 - len(kept)
    assert warnings == (f"{left} of 7 cache marks were left out: Anthropic takes 4",)


def test_marks_of_tools_instructions_and_results_count() -> None:
    tool = {"name": "f", "input_schema": {"type": "object", "properties": {}}, "cache_control": SHORT}
    made = Message(role="assistant", content=None, tool_calls=[tool_call("a", "f", "{}")])
    result = Message(role="tool", tool_call_id="a", content=text("r"), metadata={"cache_control": SHORT})
    request = LLMRequest(
        [Message(role="system", content=text("s")), Message(role="user", content=text("u")), made, result],
        tools=[tool],
    )
    body, warnings = sent(request)
    assert len(marks(body)) == 4
    assert "cache_control" in body["tools"][0]
    assert "cache_control" not in body["system"][0]
    assert warnings == ("1 of 5 cache marks were left out: Anthropic takes 4",)


def test_four_marks_stay_as_they_are() -> None:
    body, warnings = sent(LLMRequest(talk(4)))
    assert marks(body) == [SHORT] * 4
    assert not warnings


def test_an_hour_does_not_stand_behind_five_minutes() -> None:
    request = LLMRequest(
        [Message(role="system", content=text("s")), Message(role="user", content=text("u", LONG))]
    )
    body, warnings = sent(request)
    assert marks(body) == [SHORT, SHORT]
    assert warnings == ("a cache mark of 1h was sent as one of 5m: Anthropic takes none behind one of 5m",)


def test_five_minutes_may_stand_behind_an_hour() -> None:
    request = LLMRequest(
        [Message(role="system", content=text("s", LONG)), Message(role="user", content=text("u"))]
    )
    assert marks(sent(request)[0]) == [LONG, SHORT]


def test_an_automatic_mark_keeps_the_order_too() -> None:
    request = LLMRequest(
        [Message(role="system", content=text("s")), Message(role="user", content="u")], cache={"ttl": "1h"}
    )
    body, _ = sent(request)
    assert marks(body) == [SHORT, SHORT]
