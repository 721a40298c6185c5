"""Forms of tools, choices and contents: taken as they are, changed with a warning, or refused."""

import base64
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers.bedrock import BedrockAdapter
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import MalformedResponseError, ProviderError, UnsupportedContentError

NOVA, LLAMA = "amazon.nova-pro-v1:0", "meta.llama3-1-70b-instruct-v1:0"
USER = Message(role="user", content="Hi")
LOOK = {"name": "look", "parameters": {"type": "object", "properties": {}}}
HEAR = {"name": "hear", "parameters": {"type": "object", "properties": {}}}
WAV = base64.b64encode(b"RIFF").decode()


def sent(*messages: Message, model: str = NOVA, **fields: Any) -> tuple[Any, list[str]]:
    call = ChatCall(LLMRequest(list(messages) or [USER], **fields), ModelRef("bedrock", model))
    wire = BedrockAdapter().encode(call, stream=False)
    return msgspec.json.decode(wire.body), list(wire.warnings)


CHOICES: list[tuple[Any, Any, str]] = [
    ({"auto": {}}, {"auto": {}}, ""),
    ({"any": {}}, {"any": {}}, ""),
    ({"tool": {"name": "look"}}, {"tool": {"name": "look"}}, ""),
    ("auto", {"auto": {}}, ""),
    ("required", {"any": {}}, ""),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "look"}}]}},
        {"auto": {}},
        "so all may",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "written", "warning"), CHOICES)
def test_a_choice_of_tools_is_written_as_converse_has_it(given: Any, written: Any, warning: str) -> None:
    body, warnings = sent(tools=[LOOK, HEAR], tool_choice=given)
    assert body["toolConfig"]["toolChoice"] == written
    assert warning in " ".join(warnings)
    assert bool(warning) == any("tool_choice" in text for text in warnings)


def test_a_choice_without_tools_is_dropped_and_told() -> None:
    body, warnings = sent(tool_choice="required")
    assert "toolConfig" not in body
    assert any("no tools to choose from" in text for text in warnings)


def test_a_model_that_cannot_be_forced_may_choose() -> None:
    body, warnings = sent(model=LLAMA, tools=[LOOK], tool_choice="required")
    assert body["toolConfig"].get("toolChoice") == {"auto": {}}
    assert any("cannot be forced" in text for text in warnings)


def test_a_tool_in_the_form_of_converse_stays_as_it_is() -> None:
    own = {"systemTool": {"name": "nova_grounding"}}
    body, _ = sent(tools=[own, LOOK], tool_choice="required")
    assert body["toolConfig"]["tools"][0] == own
    assert body["toolConfig"]["toolChoice"] == {"any": {}}


def test_a_tool_of_another_vendor_is_refused() -> None:
    with pytest.raises(UnsupportedContentError, match="takes functions, and tools in the form of Converse"):
        sent(tools=[{"type": "web_search_20250305", "name": "web_search"}])


CONTENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"type": "input_audio", "input_audio": {"format": "wav", "data": WAV}},
        {"audio": {"format": "wav", "source": {"bytes": WAV}}},
    ),
    ({"type": "image_url", "image_url": {"url": "s3://b/x.jpg"}}, {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://b/x.jpg"}}}}),
    ({"type": "video_url", "video_url": {"url": "s3://b/x.3gp"}}, {"video": {"format": "three_gp", "source": {"s3Location": {"uri": "s3://b/x.3gp"}}}}),
    ({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}}, {"video": {"format": "mp4", "source": {"bytes": "AAAA"}}}),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": "AAAA"}}, {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}}),
    ({"type": "guardContent", "guardContent": {"text": {"text": "x"}}}, {"guardContent": {"text": {"text": "x"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "block"), CONTENTS)
def test_a_part_becomes_its_block(part: dict[str, Any], block: dict[str, Any]) -> None:
    body, _ = sent(Message(role="user", content=[{"type": "text", "text": "See"}, part]))
    assert body["messages"][0]["content"] == [{"text": "See"}, block]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"type": "input_audio", "input_audio": {"format": "midi", "data": WAV}}, "of another format than MP3"),
    ({"type": "image_url", "image_url": {"url": "s3://b/x.tiff"}}, "of the format 'tiff'"),
    ({"type": "document"}, "without a source"),
    (
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": "/w=="}},
        "not UTF-8",
    ),
    ({"type": "hologram", "hologram": {}}, "; use text, image_url"),
    ({"type": "image", "source": {"type": "base64", "media_type": "image/x-odd", "data": "AAAA"}}, "image"),
]


@pytest.mark.parametrize(("part", "why"), REFUSED)
def test_a_part_that_converse_has_no_place_for_is_refused_with_the_reason(
    part: dict[str, Any], why: str
) -> None:
    with pytest.raises(UnsupportedContentError) as caught:
        sent(Message(role="user", content=[{"type": "text", "text": "See"}, part]))
    assert why in str(caught.value)


def test_a_picture_in_an_answer_of_the_assistant_is_refused() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(UnsupportedContentError, match="in a message of the assistant"):
        sent(USER, Message(role="assistant", content=[picture]), USER)


def test_a_conversation_that_the_assistant_begins_gets_a_beginning_of_the_user() -> None:
    body, warnings = sent(Message(role="assistant", content="Hello"), USER)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert any("wants the user to begin" in text for text in warnings)


def test_a_system_message_among_the_turns_moves_to_the_prompt() -> None:
    body, warnings = sent(
        USER, Message(role="assistant", content="Hello"), Message(role="system", content="Be brief."), USER
    )
    assert body["system"] == [{"text": "Be brief."}]
    assert any("moved to the system prompt" in text for text in warnings)


def test_a_call_of_no_function_is_refused() -> None:
    custom: Any = {"id": "c", "type": "custom", "custom": {"name": "x", "input": "y"}}
    with pytest.raises(UnsupportedContentError, match="takes only calls of functions"):
        sent(USER, Message(role="assistant", content=None, tool_calls=[custom]), USER)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b'{"__type": "ThrottlingException", "message": "too fast"}', ProviderError, "too fast"),
        (b"{}", MalformedResponseError, "has no content"),
        (b"[]", MalformedResponseError, "not what Converse says"),
    ],
)
def test_an_answer_of_status_200_that_is_none_is_an_error(
    body: bytes, kind: type[Exception], why: str
) -> None:
    call = ChatCall(LLMRequest([USER]), ModelRef("bedrock", NOVA))
    adapter = BedrockAdapter()
    with pytest.raises(kind, match=why):
        adapter.decode(body, call, adapter.encode(call, stream=False))


def test_a_system_prompt_for_a_model_that_takes_none_is_the_users() -> None:
    body, warnings = sent(
        Message(role="system", content="Be brief."), USER, model="amazon.titan-text-express-v1"
    )
    assert body["messages"][0]["content"] == [{"text": "Be brief."}, {"text": "Hi"}]
    assert any("takes none" in text for text in warnings)


@pytest.mark.parametrize(
    ("said", "tier"),
    [
        ({"serviceTier": {"type": "default"}}, None),
        ({"performanceConfig": {"latency": "standard"}}, None),
        ({"serviceTier": {"type": "flex"}}, "flex"),
    ],
)
def test_only_a_tier_with_a_price_of_its_own_is_in_the_usage(said: dict[str, Any], tier: str | None) -> None:
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2},
        **said,
    }
    call = ChatCall(LLMRequest([USER]), ModelRef("bedrock", NOVA))
    adapter = BedrockAdapter()
    response = adapter.decode(msgspec.json.encode(answer), call, adapter.encode(call, stream=False))
    assert (response.usage or {}).get("service_tier") == tier
