"""``extra_params`` for another provider: pools mix providers, and most refuse unknown names."""

from collections.abc import Collection, Mapping
from typing import Any

OF_OPENAI = frozenset(
    {
        "access_programs",
        "audio",
        "background",
        "background_options",
        "conversation",
        "function_call",
        "functions",
        "include",
        "logit_bias",
        "max_completion_tokens",
        "max_tool_calls",
        "modalities",
        "moderation",
        "parallel_tool_calls",
        "prediction",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "reasoning_effort",
        "safety_identifier",
        "stream_options",
        "text",
        "truncation",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""Names that only OpenAI's two APIs have, and the hosts that copy them.

https://platform.openai.com/docs/api-reference/chat/create
https://platform.openai.com/docs/api-reference/responses/create
"""

_WHY = {
    "api": "it chooses among the APIs of OpenAI",
    "betas": "it names betas of Anthropic",
    "stream": "chat() and chat_stream() decide it",
}
"""Names of ours: no wire has them, whatever the provider."""

_INSTEAD = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "reasoning_effort": "reasoning_effort",
}
"""Names for which the request has a field that every provider understands."""


def without_foreign(
    extra: Mapping[str, Any], foreign: Collection[str], whose: str, warnings: list[str]
) -> dict[str, Any]:
    """Return the parameters without those that the provider is known not to have; warn of each.

    Args:
        extra: the ``extra_params`` of a request.
        foreign: names that this provider has not.
        whose: the provider, for the warnings.
        warnings: takes a sentence for each that is dropped.
    """
    kept: dict[str, Any] = {}
    for name, value in extra.items():
        if name not in foreign:
            kept[name] = value
            continue
        why = _WHY.get(name, f"{whose} has no such parameter")
        if name in _INSTEAD:
            why += f" (LLMRequest.{_INSTEAD[name]} is for all providers)"
        warnings.append(f"{name} was dropped: {why}")
    return kept
