"""Records of calls, made up."""

from typing import Any

from llmring import CallRecord, LLMRequest, LLMResponse, Message, ModelRef
from llmring_types import Attempt


def response(**fields: Any) -> LLMResponse:
    given: dict[str, Any] = {
        "content": "Hello",
        "model": "openai:gpt-4o-mini",
        "finish_reason": "stop",
        "provider_model": "gpt-4o-mini-2024-07-18",
        "response_id": "chatcmpl-1",
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
    }
    return LLMResponse(**{**given, **fields})


def record(**fields: Any) -> CallRecord:
    """A call that was answered, with everything that is usual."""
    given: dict[str, Any] = {
        "id": "0123456789abcdef0123456789abcdef",
        "origin": "my-app",
        "started_at": 1_795_348_800.25,
        "seconds": 1.5,
        "request": LLMRequest(messages=[Message(role="user", content="Hi")], model="fast"),
        "alias": "fast",
        "profile": "prod",
        "model": ModelRef("openai", "gpt-4o-mini"),
        "ending": "answered",
        "response": response(),
        "attempts": (Attempt(model="openai:gpt-4o-mini", outcome="ok", seconds=1.5, billed=True),),
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "cache_read_input_tokens": 10,
            "cost": 2.625e-05,
            "cost_status": "priced",
            "cost_breakdown": {"input": 1.35e-05, "output": 1.2e-05, "cache_read": 7.5e-07},
        },
    }
    return CallRecord(**{**given, **fields})
