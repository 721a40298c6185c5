"""Parameters for another provider."""

from typing import Any

import pytest
from llmring_providers import Adapter, ChatCall
from llmring_providers._fit.parameters import OF_OPENAI, without_foreign
from llmring_providers.anthropic import AnthropicAdapter
from llmring_providers.google import GoogleAdapter
from llmring_providers.openai import OpenAIAdapter
from llmring_types import LLMRequest, Message, ModelRef


def test_what_a_provider_is_known_not_to_have_is_dropped_and_told() -> None:
    extra = {"seed": 1, "logit_bias": {}, "api": "chat", "stream": True, "max_completion_tokens": 9}
    warnings: list[str] = []
    kept = without_foreign(extra, OF_OPENAI | {"api", "stream"}, "Acme", warnings)
    assert kept == {"seed": 1}
    assert warnings == [
        "logit_bias was dropped: Acme has no such parameter",
        "api was dropped: it chooses among the APIs of OpenAI",
        "stream was dropped: chat() and chat_stream() decide it",
        "max_completion_tokens was dropped: Acme has no such parameter (LLMRequest.max_tokens is for all providers)",
    ]
    assert len(extra) == 5


OWN: dict[str, dict[str, Any]] = {
    "anthropic": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
    "google": {"safetySettings": [], "thinking_config": {"includeThoughts": False}},
    "ollama": {"keep_alive": "5m", "num_ctx": 8192},
}
TARGETS: list[tuple[Adapter, str]] = [
    (OpenAIAdapter(), "openai:gpt-4o"),
    (OpenAIAdapter(), "openai:gpt-5-pro"),
    (AnthropicAdapter(), "anthropic:claude-sonnet-4-6"),
    (GoogleAdapter(), "google:gemini-2.5-flash"),
]


@pytest.mark.parametrize(("adapter", "model"), TARGETS, ids=[model for _, model in TARGETS])
@pytest.mark.parametrize("vendor", OWN)
def test_a_parameter_of_one_vendor_is_not_sent_to_another(adapter: Adapter, model: str, vendor: str) -> None:
    """A pool mixes vendors, and so does a gateway that reads one protocol and asks in another."""
    ref = ModelRef.parse(model)
    if ref.provider == vendor:
        return
    request = LLMRequest([Message(role="user", content="Hi")], extra_params=OWN[vendor])
    wire = adapter.encode(ChatCall(request, ref), stream=False)

    assert not [name for name in OWN[vendor] if name.encode() in wire.body]
    assert [warning.partition(" ")[0] for warning in wire.warnings] == list(OWN[vendor])


def test_another_host_of_openais_protocol_may_have_them() -> None:
    request = LLMRequest([Message(role="user", content="Hi")], extra_params={"top_k": 3, "thinking": {}})
    wire = OpenAIAdapter().encode(ChatCall(request, ModelRef("zai", "glm-5"), host="api.z.ai"), stream=False)

    assert b'"top_k":3' in wire.body
