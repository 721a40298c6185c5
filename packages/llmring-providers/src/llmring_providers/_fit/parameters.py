"""Parameters that a vendor or a host does not take: dropped with a warning, or renamed.

Pools mix providers, and most refuse unknown names.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from llmring_types.exceptions import UnsupportedContentError, ValidationError
from llmring_types.hosts import Quirks

from llmring_providers._protocol import ChatCall

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

OF_RESPONSES_ALONE = frozenset(
    {
        "background",
        "background_options",
        "conversation",
        "include",
        "instructions",
        "max_tool_calls",
        "previous_response_id",
        "prompt",
        "reasoning",
        "text",
        "truncation",
    }
)
"""Names of OpenAI's responses API that its chat completions refuse: https://platform.openai.com/docs/api-reference/responses/create"""

_OF_ANTHROPIC = frozenset(
    {
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "output_config",
        "output_format",
        "speed",
        "stop_sequences",
        "thinking",
        "user_profile_id",
        "workspace_id",
    }
)
"""https://platform.claude.com/docs/en/api/messages"""

_OF_GEMINI = frozenset(
    {
        "cachedContent",
        "generationConfig",
        "imageConfig",
        "includeThoughts",
        "maxOutputTokens",
        "mediaResolution",
        "responseJsonSchema",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "safetySettings",
        "speechConfig",
        "stopSequences",
        "systemInstruction",
        "thinkingBudget",
        "thinkingConfig",
        "thinkingLevel",
        "toolConfig",
    }
)
"""In camelCase; Gemini takes snake_case too: https://ai.google.dev/api/generate-content"""

_OF_OLLAMA = frozenset(
    {
        "keep_alive",
        "min_p",
        "mirostat",
        "mirostat_eta",
        "mirostat_tau",
        "num_batch",
        "num_ctx",
        "num_gpu",
        "num_keep",
        "num_predict",
        "num_thread",
        "options",
        "repeat_last_n",
        "repeat_penalty",
        "shift",
        "think",
        "truncate",
        "typical_p",
    }
)
"""https://docs.ollama.com/api/chat and its options: https://docs.ollama.com/modelfile#valid-parameters-and-values"""
_OF_RESPONSES = {"context_management", "max_output_tokens"}
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
_OWN_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "max_tokens": int,
    "response_format": dict,
    "tool_choice": (str, dict),
    "tools": list,
}
_STOPS = ("stop", "stop_sequences")
"""OpenAI's name and Anthropic's."""


def _snaked(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


_BOTH_OF_GEMINI = _OF_GEMINI | frozenset(map(_snaked, _OF_GEMINI))
NOT_OF_OPENAI = (_OF_ANTHROPIC | _BOTH_OF_GEMINI | _OF_OLLAMA | {"top_k"}) - _OF_RESPONSES
"""Names of other vendors' parameters that OpenAI itself answers with 400; hosts of its protocol have some of them."""
NOT_OF_CHAT = NOT_OF_OPENAI | _OF_RESPONSES
"""The same for chat completions, which do not have those of the responses API either."""
NOT_OF_ANTHROPIC = (
    ((_BOTH_OF_GEMINI | _OF_OLLAMA) - _OF_ANTHROPIC)
    | (OF_OPENAI - {"parallel_tool_calls", "user"})
    | {
        "api",
        "frequency_penalty",
        "logprobs",
        "max_output_tokens",
        "n",
        "presence_penalty",
        "seed",
        "store",
        "stream",
        "top_logprobs",
    }
)
NOT_OF_GEMINI = (_OF_ANTHROPIC | _OF_OLLAMA) - _BOTH_OF_GEMINI


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


def with_own_fields(call: ChatCall, names: frozenset[str]) -> ChatCall:
    """Return the call with extra parameters of OpenAI's names in the fields that the request has for them.

    Nobody but OpenAI's chat completions has them under these names; a field that is set stays.

    Args:
        call: as it was made.
        names: those that the protocol has otherwise.

    Raises:
        UnsupportedContentError: the field cannot have such a value.
    """
    request = call.request
    extra = request.extra_params
    moved = {
        name: extra[name]
        for name in names & extra.keys() & _OWN_FIELDS.keys()
        if isinstance(extra[name], _OWN_FIELDS[name]) and getattr(request, name) is None
    }
    if not moved:
        return call
    rest = {name: value for name, value in extra.items() if name not in moved}
    try:
        return call._replace(request=msgspec.structs.replace(request, extra_params=rest, **moved))
    except ValidationError as error:
        raise UnsupportedContentError(
            f"extra_params: {error}", provider=call.ref.provider, part="extra_params", original=error
        ) from error


def fit_parameters(body: dict[str, Any], quirks: Quirks, call: ChatCall, warnings: list[str]) -> None:
    """Drop the parameters that the host refuses, with a warning each, and rename those that it calls otherwise."""
    host = call.ref.provider
    warnings.extend(
        f"{name} was dropped: {host} does not take it"
        for name in quirks.refused
        if body.pop(name, None) is not None
    )
    for name in _STOPS:
        stops = body.get(name)
        if quirks.most_stops is not None and isinstance(stops, list) and len(stops) > quirks.most_stops:
            body[name] = stops[: quirks.most_stops]
            warnings.append(
                f"{name} was cut from {len(stops)} to {quirks.most_stops} sequences: {host} takes no more"
            )
    for ours, theirs in quirks.renamed.items():
        if ours in body:
            body.setdefault(theirs, body.pop(ours))


def field_at(document: Any, path: str) -> Any:
    """Return the field at a path with dots between its levels; ``None`` where there is none."""
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
