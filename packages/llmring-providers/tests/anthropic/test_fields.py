"""Names of fields that Anthropic refuses: others stand for them there, and the caller sees its own.

https://github.com/decocms/studio/issues/6874
"""

import json
import re
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, collect
from llmring_types.exceptions import UnsupportedContentError

ADAPTER = AnthropicAdapter()
SCHEMA = {
    "type": "object",
    "properties": {
        "$filter": {"type": "string", "description": "OData"},
        "filter[id]": {
            "type": "array",
            "items": {"type": "object", "properties": {"naïve": {"type": "number"}}},
        },
        "plain": {"type": "string", "enum": ["$filter"]},
    },
    "required": ["$filter", "plain"],
}
ARGUMENTS = {"$filter": "a eq 1", "filter[id]": [{"naïve": 1}], "plain": "$filter"}


def call_of(*messages: Message, schema: Any = SCHEMA, **fields: Any) -> ChatCall:
    tools = [{"type": "function", "function": {"name": "list.users", "parameters": schema}}]
    request = LLMRequest(messages=[Message(role="user", content="hi"), *messages], tools=tools, **fields)
    return ChatCall(request, ModelRef("anthropic", "claude-sonnet-4-5"))


def sent(call: ChatCall) -> Any:
    return json.loads(ADAPTER.encode(call, stream=False).body)


def asked() -> Message:
    """A call that the caller kept, with its own names."""
    function = {"name": "list.users", "arguments": json.dumps(ARGUMENTS, ensure_ascii=False)}
    made: Any = [{"id": "c1", "type": "function", "function": function}]
    return Message(role="assistant", content="", tool_calls=made)


def wire_arguments() -> Any:
    """The same call as Anthropic is told of it."""
    body = sent(call_of(asked(), Message(role="tool", content="none", tool_call_id="c1")))
    return body["messages"][1]["content"][0]["input"]


def answered(*, stream: bool) -> LLMResponse:
    call = call_of()
    block = {
        "type": "tool_use",
        "id": "t1",
        "name": sent(call)["tools"][0]["name"],
        "input": wire_arguments(),
    }
    if not stream:
        body = {"id": "m", "type": "message", "content": [block], "stop_reason": "tool_use"}
        return ADAPTER.decode(json.dumps(body).encode(), call, ADAPTER.encode(call, stream=False))
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ]
    decoder = ADAPTER.stream_decoder(call, ADAPTER.encode(call, stream=True))
    data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return collect([*decoder.feed(data.encode()), *decoder.close()])


def test_all_names_that_are_sent_are_taken() -> None:
    schema = sent(call_of())["tools"][0]["input_schema"]
    inner = schema["properties"]["filter_id_"]["items"]
    for name in (*schema["properties"], *inner["properties"], *schema["required"]):
        assert re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", name)
    assert schema["properties"]["_filter"] == {"type": "string", "description": "OData"}
    assert schema["properties"]["filter_id_"]["description"] == "filter[id]"
    assert schema["properties"]["plain"]["enum"] == ["$filter"]
    assert schema["required"] == ["_filter", "plain"]


def test_a_name_that_is_there_already_stands_for_itself_alone() -> None:
    schema = {"type": "object", "properties": {"$top": {"type": "integer"}, "_top": {"type": "string"}}}
    names = list(sent(call_of(schema=schema))["tools"][0]["input_schema"]["properties"])
    assert len(set(names)) == len(names) == 2
    assert names[1] == "_top"


def test_calls_of_before_have_the_names_that_the_tools_have() -> None:
    assert wire_arguments() == {"_filter": "a eq 1", "filter_id_": [{"na_ve": 1}], "plain": "$filter"}


@pytest.mark.parametrize("stream", [False, True])
def test_the_caller_gets_its_own_names(stream: bool) -> None:
    made = (answered(stream=stream).tool_calls or [])[0]
    assert made["function"]["name"] == "list.users"
    assert json.loads(made["function"]["arguments"]) == ARGUMENTS


def test_what_cannot_be_sent_for_another_reason_is_still_refused() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"$x": {"type": "string"}}}
    schema["properties"]["self"] = schema
    with pytest.raises(UnsupportedContentError):
        ADAPTER.encode(call_of(schema=schema), stream=False)


def test_arguments_that_are_cut_stay_as_they_are() -> None:
    call = call_of()
    block = {"type": "tool_use", "id": "t1", "name": "list_users", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": '{"_filter": "a'}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}},
        {"type": "message_stop"},
    ]
    decoder = ADAPTER.stream_decoder(call, ADAPTER.encode(call, stream=True))
    data = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    calls = collect([*decoder.feed(data.encode()), *decoder.close()]).tool_calls or []
    assert [made["function"]["arguments"] for made in calls] == ['{"_filter": "a']
