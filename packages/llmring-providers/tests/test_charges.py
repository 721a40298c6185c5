"""What has a price of its own stands in the usage of an answer: tiers of service, searches, the host's own price."""

import json
from typing import Any

import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef, collect

CHARGES = ("service_tier", "web_searches", "reported_cost")
COUNTS = {"prompt_tokens": 3, "completion_tokens": 1}


def completion(tier: Any, **usage: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
    return {"choices": [choice], "service_tier": tier, "usage": COUNTS | usage}


def claude(**usage: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "x"}]
    return {
        "content": content,
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 1} | usage,
    }


def gemini(**usage: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
    return {
        "candidates": [candidate],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1} | usage,
    }


ROWS = [
    pytest.param("openai", completion(None), {}, id="standard"),
    pytest.param("openai", completion("default"), {}, id="default"),
    pytest.param("openai", completion("flex"), {"service_tier": "flex"}, id="flex"),
    pytest.param("openai", completion("priority", cost=0.25), {"service_tier": "priority", "reported_cost": 0.25}, id="the host's price"),
    pytest.param("openai", completion(3, cost=True), {}, id="neither tier nor price"),
    pytest.param("anthropic", claude(service_tier="standard", speed="standard"), {}, id="claude, standard"),
    pytest.param("anthropic", claude(service_tier="batch"), {"service_tier": "batch"}, id="batch"),
    pytest.param("anthropic", claude(service_tier="standard", speed="fast", server_tool_use={"web_search_requests": 2}),
                 {"service_tier": "fast", "web_searches": 2}, id="fast, with searches"),
    pytest.param("google", gemini(trafficType="ON_DEMAND"), {}, id="on demand"),
    pytest.param("google", gemini(trafficType="ON_DEMAND_FLEX"), {"service_tier": "flex"}, id="Vertex's flex"),
    pytest.param("google", gemini(trafficType="PROVISIONED_THROUGHPUT"), {"service_tier": "provisioned_throughput"}, id="provisioned"),
    pytest.param("google", gemini(serviceTier="priority"), {"service_tier": "priority"}, id="priority"),
]  # fmt: skip
ADAPTERS: dict[str, Adapter] = {
    "openai": OpenAIAdapter(),
    "anthropic": AnthropicAdapter(),
    "google": GoogleAdapter(),
}


def call_of(provider: str, **extra: Any) -> ChatCall:
    request = LLMRequest([Message(role="user", content="Hi")], extra_params=extra)
    return ChatCall(request, ModelRef(provider, "m"))


@pytest.mark.parametrize(("provider", "answer", "charges"), ROWS)
def test_what_is_billed_otherwise_is_in_the_usage(
    provider: str, answer: dict[str, Any], charges: dict[str, Any]
) -> None:
    adapter, call = ADAPTERS[provider], call_of(provider)
    response = adapter.decode(json.dumps(answer).encode(), call, adapter.encode(call, stream=False))
    assert response.usage is not None
    assert {name: value for name, value in response.usage.items() if name in CHARGES} == charges


def test_the_responses_api_counts_its_searches() -> None:
    adapter, call = ADAPTERS["openai"], call_of("openai", api="responses")
    answer = {
        "status": "completed",
        "output": [],
        "service_tier": "flex",
        "usage": {"input_tokens": 3, "output_tokens": 1},
        "tool_usage": {"web_search": {"num_requests": 4}},
    }
    event = {"type": "response.completed", "response": answer}
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    chunks = decoder.feed(f"data: {json.dumps(event)}\n\n".encode())
    usage = collect(chunks).usage
    assert usage is not None
    assert (usage["service_tier"], usage["web_searches"]) == ("flex", 4)


def test_the_tier_of_a_streamed_completion_is_kept() -> None:
    adapter, call = ADAPTERS["openai"], call_of("openai")
    decoder = adapter.stream_decoder(call, adapter.encode(call, stream=True))
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}
    event = {"choices": [choice], "service_tier": "flex", "usage": COUNTS}
    chunks = [*decoder.feed(f"data: {json.dumps(event)}\n\ndata: [DONE]\n\n".encode()), *decoder.close()]
    usage = collect(chunks).usage
    assert usage is not None
    assert usage["service_tier"] == "flex"
