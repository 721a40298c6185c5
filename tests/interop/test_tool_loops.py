"""Whole tool loops over real HTTP: calls, results, an answer and a further question, after a journey through JSON.

What the provider said must come back as it said it, signed and encrypted reasoning above all.
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from canned import Answer, Server
from interop.loops import FAILED, FOUND, LOOPS, PARIS, ROME, TIME, Loop
from interop.ours import PROTOCOLS, api_params, ask
from interop.recordings import Protocol
from llmring import LLMRequest, LLMResponse, LLMRing, Message, ToolCall

BASE_PATHS = {"openai": "/v1"}
TOOLS = [
    {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "now", "parameters": {"type": "object", "properties": {}}},
]
QUESTION = Message(role="user", content="How warm is it, and when?")
QUESTION_2 = Message(role="user", content="Why?")
RESULTS = (FAILED, FOUND, TIME)
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
all_protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


def through_json(messages: Sequence[Message]) -> list[Message]:
    return msgspec.json.decode(msgspec.json.encode(messages), type=list[Message])


def results_of(response: LLMResponse) -> list[Message]:
    """The results of its three calls, of which the first failed."""
    results = [
        Message(role="tool", tool_call_id=call["id"], content=result)
        for call, result in zip(response.tool_calls or (), RESULTS, strict=True)
    ]
    results[0].metadata = {"is_error": True}
    return results


async def run(
    loop: Loop, protocol: Protocol, *, stream: bool
) -> tuple[list[LLMResponse], list[dict[str, Any]]]:
    """Return the three answers and the three bodies that were sent."""
    responses: list[LLMResponse] = []
    conversation = [QUESTION]
    async with Server() as server, LLMRing() as ring:
        first = loop.stream if stream else json.dumps(loop.whole).encode()
        server.answers = [Answer(first), *[Answer(json.dumps(loop.final).encode())] * 2]
        provider = loop.model.partition(":")[0]
        base_url = server.url + BASE_PATHS.get(provider, "")
        ring.register_provider(provider, api_key="sk-made-up", base_url=base_url)
        for step in range(3):
            request = LLMRequest(
                through_json(conversation), model=loop.model, tools=TOOLS, extra_params=api_params(protocol)
            )
            response = await ask(ring, request, stream=stream and step == 0)
            responses.append(response)
            conversation.append(response.to_message())
            conversation += results_of(response) if step == 0 else [QUESTION_2]
        return responses, server.asked


@both_ways
@all_protocols
async def test_calls_are_read_the_same_from_every_provider(protocol: Protocol, stream: bool) -> None:
    loop = LOOPS[protocol]
    (calling, answering, _), _ = await run(loop, protocol, stream=stream)
    assert calling.finish_reason == "tool_calls"
    assert calling.content == "Let me see."
    assert (calling.reasoning or "").startswith("I ask.")
    calls = calling.tool_calls or []
    assert [call["id"] for call in calls] == list(loop.ids)
    assert [call["function"]["name"] for call in calls] == ["weather", "weather", "now"]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [PARIS, ROME, {}]
    assert (answering.content, answering.finish_reason) == ("Warm.", "stop")


@both_ways
@all_protocols
async def test_what_was_said_goes_back_unchanged(protocol: Protocol, stream: bool) -> None:
    loop = LOOPS[protocol]
    responses, bodies = await run(loop, protocol, stream=stream)
    question, *returned, question_2 = bodies[2][loop.conversation]
    assert returned == loop.returned
    assert "How warm is it" in json.dumps(question)
    assert "Why?" in json.dumps(question_2)
    assert bodies[1][loop.conversation] == [question, *loop.returned[: len(bodies[1][loop.conversation]) - 1]]
    assert [response.warnings for response in responses] == [[], [], []]


@all_protocols
async def test_a_call_that_broke_off_can_be_answered(protocol: Protocol) -> None:
    """As after an answer of any provider that came to its limit inside the arguments."""
    broken: ToolCall = {
        "id": "call_a",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Par'},
    }
    conversation = [
        QUESTION,
        Message(role="assistant", content=None, tool_calls=[broken]),
        Message(role="tool", tool_call_id="call_a", content="no such arguments", metadata={"is_error": True}),
    ]
    loop = LOOPS[protocol]
    async with Server() as server, LLMRing() as ring:
        server.answers = [Answer(json.dumps(loop.final).encode())]
        provider = loop.model.partition(":")[0]
        ring.register_provider(
            provider, api_key="sk-made-up", base_url=server.url + BASE_PATHS.get(provider, "")
        )
        request = LLMRequest(conversation, model=loop.model, tools=TOOLS, extra_params=api_params(protocol))
        response = await ring.chat(request)
    assert response.content == "Warm."
    assert json.dumps('{"city": "Par') in json.dumps(server.asked[0])
    told = any("not a JSON object" in warning for warning in response.warnings)
    assert told is not protocol.startswith("openai")  # whose arguments are text
