"""Requests as Converse takes them, and what models of one vendor refuse."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall
from llmring_providers._fit.models import output_bounds
from llmring_providers._protocol import WireRequest
from llmring_providers.bedrock import BedrockAdapter
from llmring_types import LLMRequest, Message, ModelRef, tool_call
from llmring_types.exceptions import UnsupportedContentError

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OLD_CLAUDE = "anthropic.claude-3-5-sonnet-20240620-v1:0"
NOVA, NOVA_2, TITAN = "amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0", "amazon.titan-text-express-v1"
LLAMA, MISTRAL, GPT_OSS = (
    "meta.llama3-1-70b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "openai.gpt-oss-120b-1:0",
)
PROFILE = "arn:aws:bedrock:us-east-1:353014496775:application-inference-profile/mi1dadi0g15f"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "get_weather", "parameters": SCHEMA}
USER = Message(role="user", content="Hi")
PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
CALLED = [
    USER,
    Message(
        role="assistant", content=None, tool_calls=[tool_call("tooluse_Ac1", "get_weather", {"city": "Oslo"})]
    ),
    Message(role="tool", content="cold", tool_call_id="tooluse_Ac1", metadata={"is_error": True}),
]


def encode(model: str, *messages: Message, stream: bool = False, **fields: Any) -> WireRequest:
    call = ChatCall(LLMRequest(list(messages) or [USER], **fields), ModelRef("bedrock", model))
    return BedrockAdapter().encode(call, stream=stream)


def body(model: str, *messages: Message, **fields: Any) -> Any:
    return msgspec.json.decode(encode(model, *messages, **fields).body)


def warned(wire: WireRequest, *words: str) -> bool:
    return all(any(word in warning for warning in wire.warnings) for word in words)


PATHS = [
    (CLAUDE, f"/model/{CLAUDE}"),
    (PROFILE, "/model/arn:aws:bedrock:us-east-1:353014496775:application-inference-profile%2Fmi1dadi0g15f"),
    ("a b/../c?d#e", "/model/a%20b%2F..%2Fc%3Fd%23e"),
]


@pytest.mark.parametrize(("model", "path"), PATHS)
def test_any_id_is_one_segment_of_the_path(model: str, path: str) -> None:
    assert encode(model).path == f"{path}/converse"
    assert encode(model, stream=True).path == f"{path}/converse-stream"


REASONING: list[tuple[str, Mapping[str, Any], Any]] = [
    (CLAUDE, {"reasoning_tokens": 2048}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
    (
        "global.anthropic.claude-opus-4-6-v1",
        {"reasoning_effort": "low"},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    ),
    (
        NOVA_2,
        {"reasoning_effort": "max"},
        {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
    ),
    (
        NOVA_2,
        {"reasoning_tokens": 5000},
        {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
    ),
    (GPT_OSS, {"reasoning_effort": "minimal"}, {"reasoning_effort": "low"}),
    ("us.openai.gpt-5.6-sol", {"reasoning_effort": "xhigh"}, {"reasoning": {"effort": "xhigh"}}),
    ("qwen.qwen3-32b-v1:0", {"reasoning_effort": "high"}, {"reasoning_config": "high"}),
    (NOVA, {"reasoning_effort": "high"}, None),
    (PROFILE, {"reasoning_effort": "high"}, None),
]


@pytest.mark.parametrize(("model", "asked", "sent"), REASONING)
def test_reasoning_is_asked_for_in_the_words_of_the_vendor(
    model: str, asked: Mapping[str, Any], sent: Any
) -> None:
    wire = encode(model, **asked)
    assert msgspec.json.decode(wire.body).get("additionalModelRequestFields") == sent
    assert sent is not None or warned(wire, "reasoning was dropped")


def test_nova_takes_no_limit_at_its_highest_effort() -> None:
    wire = encode(NOVA_2, reasoning_effort="high", max_tokens=100, temperature=0.5)
    assert "inferenceConfig" not in msgspec.json.decode(wire.body)
    assert warned(wire, "maxTokens was dropped", "temperature was dropped")


CHOICES: list[tuple[str, str, Any, str]] = [
    (CLAUDE, "get_weather", {"tool": {"name": "get_weather"}}, ""),
    (CLAUDE, "required", {"any": {}}, ""),
    (NOVA, "get_weather", {"tool": {"name": "get_weather"}}, ""),
    (MISTRAL, "get_weather", {"any": {}}, "does not name were left out"),
    (MISTRAL, "auto", {"auto": {}}, ""),
    (LLAMA, "required", {"auto": {}}, "cannot be forced"),
    ("us.anthropic.claude-opus-5-5-v1", "required", {"auto": {}}, "cannot be forced"),
    (PROFILE, "get_weather", {"tool": {"name": "get_weather"}}, ""),
]


@pytest.mark.parametrize(("model", "choice", "sent", "why"), CHOICES)
def test_a_choice_takes_the_form_that_the_model_knows(model: str, choice: str, sent: Any, why: str) -> None:
    wire = encode(model, tools=[TOOL, {"name": "other"}], tool_choice=choice)
    config = msgspec.json.decode(wire.body)["toolConfig"]
    assert config["toolChoice"] == sent
    assert len(config["tools"]) == (1 if "left out" in why else 2)
    assert warned(wire, why) if why else wire.warnings == ()


def test_no_choice_at_all_is_the_tools_left_out() -> None:
    wire = encode(CLAUDE, tools=[TOOL], tool_choice="none")
    assert "toolConfig" not in msgspec.json.decode(wire.body)
    assert warned(wire, "the tools were left out")


def test_calls_of_the_history_bring_their_functions_along() -> None:
    wire = encode(CLAUDE, *CALLED)
    (tool,) = msgspec.json.decode(wire.body)["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "get_weather"
    assert warned(wire, "offered again")


def test_one_call_at_a_time_is_said_where_the_whole_choice_stands() -> None:
    sent = body(CLAUDE, tools=[TOOL], tool_choice="required", extra_params={"parallel_tool_calls": False})
    assert "toolChoice" not in sent["toolConfig"]
    assert sent["additionalModelRequestFields"] == {
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True}
    }
    assert warned(encode(NOVA, tools=[TOOL], extra_params={"parallel_tool_calls": False}), "does not take it")


@pytest.mark.parametrize(
    ("model", "strict"),
    [
        (CLAUDE, True),
        (OLD_CLAUDE, False),
        ("us.anthropic.claude-sonnet-5-v1", False),
        (NOVA, False),
        (GPT_OSS, True),
    ],
)
def test_strict_functions_go_to_models_that_take_them(model: str, strict: bool) -> None:
    wire = encode(model, tools=[{**TOOL, "strict": True}])
    (tool,) = msgspec.json.decode(wire.body)["toolConfig"]["tools"]
    assert tool["toolSpec"].get("strict", False) is strict
    assert strict or warned(wire, "strict was dropped")


@pytest.mark.parametrize(
    ("model", "native"),
    [(CLAUDE, True), (OLD_CLAUDE, False), (NOVA, False), (GPT_OSS, True), (PROFILE, True)],
)
def test_a_schema_of_the_answer_is_held_where_the_model_can_be(model: str, native: bool) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": SCHEMA}}
    wire = encode(model, response_format=form)
    sent = msgspec.json.decode(wire.body)
    if native:
        inner = sent["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        assert (inner["name"], msgspec.json.decode(inner["schema"])) == ("city", SCHEMA)
    else:
        assert '"city"' in sent["system"][0]["text"]
        assert warned(wire, "the schema was sent as part of the system prompt")


def test_marks_for_the_cache_stand_behind_what_they_mark() -> None:
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    system = Message(role="system", content="Long.", metadata=MARK)
    user = Message(
        role="user", content=[{"type": "text", "text": "a", **MARK}, {"type": "text", "text": "b"}]
    )
    sent = body(CLAUDE, system, user, cache={"type": "ephemeral"})
    assert sent["system"] == [{"text": "Long."}, point]
    assert sent["messages"][0]["content"] == [
        {"text": "a"},
        point,
        {"text": "b"},
        {"cachePoint": {"type": "default"}},
    ]
    wire = encode(LLAMA, system, user, cache={"type": "ephemeral"})
    assert b"cachePoint" not in wire.body
    assert warned(wire, "marks for the cache were left out", "cache was dropped")


def test_media_become_blocks() -> None:
    content: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": PNG}},
        {"type": "image_url", "image_url": {"url": "s3://bucket/a.jpg"}},
        {"type": "document", "source": PDF, "title": "Jöhn's  report #1"},
        {"type": "document", "source": PDF, "title": "Jöhn's  report #1"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Read."}},
        {"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,YSxi"}},
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,AAAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    (turn,) = body(PROFILE, Message(role="user", content=content))["messages"]
    found = turn["content"]
    assert found[0] == {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
    assert found[1] == {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.jpg"}}}}
    names = [block["document"]["name"] for block in found if "document" in block]
    assert names == ["J-hn-s report -1", "J-hn-s report -1 2", "Document", "a-csv"]
    assert [block["document"]["format"] for block in found if "document" in block] == [
        "pdf",
        "pdf",
        "txt",
        "csv",
    ]
    assert found[6]["video"]["format"] == "mp4"
    assert found[7]["audio"] == {"format": "wav", "source": {"bytes": "AAAA"}}
    assert found[8] == {"text": "See the attached document."}


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "video_url", "video_url": {"url": "s3://bucket/a.txt"}},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "midi"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "hologram"},
    ],
)
def test_what_bedrock_has_no_place_for_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedContentError):
        encode(PROFILE, Message(role="user", content=[part]))


def test_neighbours_of_one_role_are_one_message_and_the_user_begins() -> None:
    wire = encode(LLAMA, Message(role="assistant", content="Yes?"), USER, USER)
    turns = msgspec.json.decode(wire.body)["messages"]
    assert [(turn["role"], len(turn["content"])) for turn in turns] == [
        ("user", 1),
        ("assistant", 1),
        ("user", 2),
    ]
    assert warned(wire, "was put before the first one")


def test_results_stand_together_before_what_the_user_adds() -> None:
    sent = body(CLAUDE, *CALLED, USER, tools=[TOOL])["messages"]
    assert [next(iter(block)) for block in sent[2]["content"]] == ["toolResult", "text"]
    assert sent[2]["content"][0]["toolResult"]["status"] == "error"
    wire = encode(LLAMA, *CALLED, tools=[TOOL])
    assert b'"status"' not in wire.body
    assert warned(wire, "the status of a failed call was left out")


def test_ids_of_calls_stay_apart_where_bedrock_cuts_them() -> None:
    two = [tool_call(f"tooluse_Ac{number}", "get_weather", {}) for number in (1, 2)]
    results = [Message(role="tool", content="x", tool_call_id=call["id"]) for call in two]
    turns = body(
        MISTRAL, USER, Message(role="assistant", content=None, tool_calls=two), *results, tools=[TOOL]
    )["messages"]
    ids = [block["toolUse"]["toolUseId"] for block in turns[1]["content"]]
    assert [len(each) for each in ids] == [9, 9]
    assert ids == [block["toolResult"]["toolUseId"] for block in turns[2]["content"]]
    assert len(set(ids)) == 2


def test_a_system_prompt_goes_to_the_user_where_the_model_takes_none() -> None:
    wire = encode(TITAN, Message(role="system", content="Be brief."), USER)
    sent = msgspec.json.decode(wire.body)
    assert "system" not in sent
    assert sent["messages"][0]["content"] == [{"text": "Be brief."}, {"text": "Hi"}]
    assert warned(wire, "the system prompt was sent as the user's")


def test_parameters_stand_where_converse_has_them_and_the_rest_goes_to_the_model() -> None:
    sent = body(
        NOVA,
        max_tokens=5,
        extra_params={
            "stop": ["x", " "],
            "top_p": 0.5,
            "service_tier": "flex",
            "metadata": {"team": 1},
            "user": "u",
            "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
            "inferenceConfig": {"maxTokens": 7},
            "additionalModelRequestFields": {"a": 1},
            "top_k": 5,
        },
    )
    assert sent["inferenceConfig"] == {"maxTokens": 7, "stopSequences": ["x"], "topP": 0.5}
    assert sent["serviceTier"] == {"type": "flex"}
    assert sent["requestMetadata"] == {"team": "1", "user": "u"}
    assert sent["guardrailConfig"] == {"guardrailIdentifier": "g", "guardrailVersion": "1"}
    assert sent["additionalModelRequestFields"] == {"a": 1, "top_k": 5}


REFUSED = [
    ("us.openai.gpt-5.6-sol", {"temperature": 0.5}, "temperature was dropped"),
    ("us.openai.gpt-5.6-sol", {"extra_params": {"top_p": 0.5}}, "top_p was dropped"),
    ("us.openai.gpt-5.6-sol", {"extra_params": {"stop": ["x"]}}, "stop was dropped"),
    ("qwen.qwen3-32b-v1:0", {"extra_params": {"stop": ["x"]}}, "stop was dropped"),
    ("anthropic.claude-opus-5", {"temperature": 0.5}, "temperature was dropped"),
    (CLAUDE, {"temperature": 0.5, "extra_params": {"top_p": 0.5}}, "not both"),
    (NOVA, {"temperature": 1.5}, "temperature was cut from 1.5 to 1"),
    (NOVA, {"extra_params": {"seed": 1}}, "seed was dropped"),
    (TITAN, {"tools": [TOOL]}, "the tools were left out"),
    (GPT_OSS, {"reasoning_effort": "none"}, "cannot be kept from reasoning"),
]


@pytest.mark.parametrize(("model", "fields", "why"), REFUSED)
def test_what_a_model_refuses_is_dropped_and_told(model: str, fields: dict[str, Any], why: str) -> None:
    assert warned(encode(model, **fields), why)


def test_the_limit_of_output_is_read_from_the_body() -> None:
    assert output_bounds(encode(NOVA, max_tokens=50).body) == (50, 1)
    assert output_bounds(encode(NOVA).body) == (None, 1)


def test_an_answer_that_has_begun_is_continued_where_the_model_takes_that() -> None:
    begun = Message(role="assistant", content="It is ")
    assert body(LLAMA, USER, begun)["messages"][1]["content"] == [{"text": "It is"}]
    with pytest.raises(UnsupportedContentError, match="continues no begun answer"):
        encode("us.anthropic.claude-opus-4-6-v1", USER, begun)
