"""Service tiers, searches and reported costs, from each provider's answer into the neutral usage."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers import ChatCall
from llmring_providers._billing import add_billing
from llmring_providers.anthropic.response import decode as decode_anthropic
from llmring_providers.openai.chat.response import decode as decode_chat
from llmring_providers.openai.responses.response import decode as decode_responses
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef

Decode = Callable[[bytes, ChatCall], LLMResponse]

REQUEST = LLMRequest([Message(role="user", content="Hi")])


def chat(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": 1, "completion_tokens": 1, **usage}
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return {"object": "chat.completion", "choices": [choice], "usage": counts, **more}


def message(**usage: Any) -> dict[str, Any]:
    counts = {"input_tokens": 1, "output_tokens": 1, **usage}
    content = [{"type": "text", "text": "x"}]
    return {"type": "message", "content": content, "stop_reason": "end_turn", "usage": counts}


def response(*actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    output = [{"type": "web_search_call", "id": "ws", "status": "completed", "action": a} for a in actions]
    return {
        "object": "response",
        "status": "completed",
        "output": output,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        **more,
    }


ANSWERS: list[tuple[Decode, dict[str, Any], dict[str, Any]]] = [
    (decode_chat, chat({}, service_tier="default"), {}),
    (decode_chat, chat({}, service_tier="flex"), {"service_tier": "flex"}),
    (decode_chat, chat({"cost": 0.0001}), {"reported_cost": 0.0001}),
    (decode_chat, chat({"cost": {"total_cost": 0.006}}), {"reported_cost": 0.006}),
    (
        decode_chat,
        chat({"cost": 0.5, "is_byok": True, "cost_details": {"upstream_inference_cost": 2}}),
        {"reported_cost": 2.5},
    ),
    (decode_chat, chat({"cost": -3}), {}),
    (decode_chat, chat({"cost": "0.1"}), {}),
    (decode_responses, response(service_tier="priority"), {"service_tier": "priority"}),
    (
        decode_responses,
        response({"type": "search", "query": "a"}, {"type": "open_page"}, {"type": "search", "query": "b"}),
        {"web_searches": 2},
    ),
    (decode_anthropic, message(service_tier="standard", speed="standard"), {}),
    (decode_anthropic, message(service_tier="standard", speed="fast"), {"service_tier": "fast"}),
    (decode_anthropic, message(service_tier="batch"), {"service_tier": "batch"}),
    (decode_anthropic, message(inference_geo="us"), {"service_tier": "inference_geo:us"}),
    (decode_anthropic, message(server_tool_use={"web_search_requests": 3}), {"web_searches": 3}),
]


@pytest.mark.parametrize(("decode", "answer", "expected"), ANSWERS)
def test_what_is_billed_beside_the_tokens_is_in_the_usage(
    decode: Decode, answer: dict[str, Any], expected: dict[str, Any]
) -> None:
    usage = decode(json.dumps(answer).encode(), ChatCall(REQUEST, ModelRef("acme", "m"))).usage
    assert usage is not None
    billed = {
        name: usage[name] for name in ("service_tier", "web_searches", "reported_cost") if name in usage
    }
    assert billed == expected


@pytest.mark.parametrize("cost", [float("nan"), float("inf"), -0.1, 1e9, True, None])
def test_an_absurd_cost_is_no_cost(cost: Any) -> None:
    assert add_billing({"prompt_tokens": 1}, cost=cost) == {"prompt_tokens": 1}


def test_nothing_counted_stays_nothing() -> None:
    assert add_billing(None, tier="flex", searches=1, cost=1.0) is None
