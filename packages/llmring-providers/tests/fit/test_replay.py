"""What travels back to a provider unchanged."""

from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers._fit.history import agrees, message_text, replay_of
from llmring_types import LLMRequest, Message, ModelRef, tool_call

CALL = ChatCall(LLMRequest([Message(role="user", content="Hi")]), ModelRef("acme", "m"))
BLOCKS = [{"type": "signed"}]


def message(native: Any = None, content: Any = "A", **fields: Any) -> Message:
    metadata = None if native is None else {"native": native}
    return Message(role="assistant", content=content, metadata=metadata, **fields)


OWN = [
    pytest.param({"provider": "acme", "replay": BLOCKS}, None, BLOCKS, id="its own"),
    pytest.param({"provider": "acme", "api": "b", "replay": BLOCKS}, "b", BLOCKS, id="of the same API"),
    pytest.param({"provider": "acme", "replay": []}, None, [], id="no blocks"),
    pytest.param({"provider": "other", "replay": []}, None, [], id="no blocks of another"),
    pytest.param({"provider": "other", "logprobs": [1]}, None, [], id="only things to read"),
    pytest.param({"provider": "acme", "replay": "odd"}, None, [], id="odd blocks"),
    pytest.param("odd", None, [], id="odd"),
    pytest.param(None, None, [], id="nothing"),
]


@pytest.mark.parametrize(("native", "api", "expected"), OWN)
def test_a_provider_gets_its_own_blocks(native: Any, api: str | None, expected: list[Any]) -> None:
    warnings: list[str] = []
    assert replay_of(message(native), CALL, warnings, api=api) == expected
    assert warnings == []


@pytest.mark.parametrize(
    "native",
    [
        {"provider": "other", "replay": BLOCKS},
        {"provider": "acme", "api": "b", "replay": BLOCKS},
        {"replay": BLOCKS},
    ],
)
def test_blocks_of_others_are_left_out_and_told_once(native: dict[str, Any]) -> None:
    warnings: list[str] = []
    assert replay_of(message(native), CALL, warnings) == []
    assert replay_of(message(native), CALL, warnings) == []
    assert len(warnings) == 1
    assert "acme:m cannot read them" in warnings[0]


CALLS = [tool_call("c", "f", "{}")]
AGREEMENT = [
    pytest.param(message(), "A", [], True, id="same text"),
    pytest.param(message(), "B", [], False, id="other text"),
    pytest.param(message(content=None, tool_calls=CALLS), "", CALLS, True, id="same calls"),
    pytest.param(message(content=None, tool_calls=CALLS), "", [], False, id="another call"),
    pytest.param(message(tool_calls=None), "A", CALLS, False, id="a call taken away"),
    pytest.param(message(content=[{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]), "AB", [], True, id="parts"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "text", "calls", "same"), AGREEMENT)
def test_blocks_count_only_while_they_say_what_the_message_says(
    given: Message, text: str, calls: list[Any], same: bool
) -> None:
    assert agrees(given, text, calls) is same


def test_the_text_of_a_message_is_that_of_its_text_parts() -> None:
    parts = [{"type": "text", "text": "A"}, {"type": "image_url", "text": "no"}, {"type": "text"}]
    assert message_text(message(content=parts)) == "A"
    assert message_text(message(content=None)) == ""
