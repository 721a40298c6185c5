"""Any neutral conversation becomes bytes, or the one error that says what Anthropic has no place for."""

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import LLMRequest, Message, ModelFacts, ModelRef, ReasoningEffort, tool_call
from llmring_types.exceptions import UnsupportedContentError

_TEXTS = st.text(max_size=8) | st.sampled_from(["", " ", "\n"])
_URLS = st.sampled_from(["https://x.example/a.png", "data:image/png;base64,iVBORw0KGgo=", "ftp://x", ""])
_PARTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": _TEXTS}),
    st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": _URLS})}),
    st.fixed_dictionaries(
        {
            "type": st.just("document"),
            "source": st.fixed_dictionaries(
                {
                    "type": st.sampled_from(["base64", "url", "text"]),
                    "media_type": st.sampled_from(["application/pdf", "text/plain", "image/png", "x/y"]),
                    "data": st.sampled_from(["aGk=", "?"]),
                }
            ),
        }
    ),
    st.fixed_dictionaries({"type": _TEXTS}),
)
_CONTENT = _TEXTS | st.lists(_PARTS, max_size=3)
_ARGUMENTS = st.sampled_from(["", "{}", '{"a": [1, 2.50]}', "[]", '{"a":', "null"])
_CALLS = st.lists(st.builds(tool_call, _TEXTS, _TEXTS, _ARGUMENTS), max_size=2)
_BLOCKS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use"])},
    optional={"text": _TEXTS, "thinking": _TEXTS, "signature": _TEXTS, "id": _TEXTS, "name": _TEXTS, "input": st.just({})},
)  # fmt: skip
_METADATA = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "cache_control": st.just({"type": "ephemeral"}),
        "is_error": st.booleans(),
        "native": st.fixed_dictionaries(
            {"provider": st.sampled_from(["anthropic", "openai"]), "replay": st.lists(_BLOCKS, max_size=3)}
        ),
    },
)
_MESSAGES = st.lists(
    st.builds(
        Message,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        content=_CONTENT,
        tool_calls=st.none() | _CALLS,
        tool_call_id=st.none() | _TEXTS,
        metadata=_METADATA,
    ),
    max_size=7,
)
_MODELS = st.sampled_from(["claude-3-haiku-20240307", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5", "claude-fable-5", "other"])  # fmt: skip


@given(
    messages=_MESSAGES,
    model=_MODELS,
    effort=st.none() | st.sampled_from(get_args(ReasoningEffort)),
    tokens=st.none() | st.integers(0, 100_000),
    most=st.none() | st.integers(1, 100_000),
    choice=st.sampled_from([None, "auto", "none", "required", "f"]),
    temperature=st.none() | st.floats(0, 2),
    limit=st.none() | st.integers(2048, 128_000),
)
def test_any_conversation_is_encoded_or_unsupported(
    *,
    messages: list[Message],
    model: str,
    effort: Any,
    tokens: int | None,
    most: int | None,
    choice: str | None,
    temperature: float | None,
    limit: int | None,
) -> None:
    request = LLMRequest(
        messages=messages,
        reasoning_effort=effort,
        reasoning_tokens=tokens,
        max_tokens=most,
        temperature=temperature,
        tools=[{"name": "f"}],
        tool_choice=choice,
    )
    facts = ModelFacts(provider="anthropic", model=model, max_output_tokens=limit)
    with suppress(UnsupportedContentError):
        wire = AnthropicAdapter().encode(ChatCall(request, ModelRef("anthropic", model), facts), stream=True)
        _is_what_anthropic_takes(json.loads(wire.body))


def _is_what_anthropic_takes(body: dict[str, Any]) -> None:
    budget = body.get("thinking", {}).get("budget_tokens")
    assert budget is None or 1024 <= budget < body["max_tokens"]
    assert not (budget and body.get("temperature", 1) != 1)
    roles = [turn["role"] for turn in body["messages"]]
    assert all(before == "user" for before, role in pairwise(roles) if role == "system")
    assert roles[:1] != ["system"]
    for turn in body["messages"]:
        assert turn["content"]
        blocks = (
            [{"type": "text", "text": turn["content"]}]
            if isinstance(turn["content"], str)
            else turn["content"]
        )
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        assert not any("cache_control" in block for block in blocks if "thinking" in block["type"])
