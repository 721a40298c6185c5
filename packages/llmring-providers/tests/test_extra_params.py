"""Parameters for another provider."""

from llmring_providers._extra_params import OF_OPENAI, without_foreign


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
