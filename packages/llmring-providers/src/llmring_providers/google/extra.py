"""``extra_params`` into the body, where a user means them to be.

Names may be in Gemini's camelCase or in snake_case. What belongs into ``generationConfig`` may stand at the top, and
what belongs into its ``thinkingConfig`` too.
"""

from collections.abc import Mapping
from typing import Any

from llmring_providers.google.tools import camel

_GENERATION = frozenset(
    {
        "audioTimestamp",
        "audioTranscriptionConfig",
        "candidateCount",
        "enableAffectiveDialog",
        "enableEnhancedCivicAnswers",
        "frequencyPenalty",
        "imageConfig",
        "logprobs",
        "maxOutputTokens",
        "mediaResolution",
        "modelConfig",
        "modelSelectionConfig",
        "presencePenalty",
        "responseFormat",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "routingConfig",
        "seed",
        "speechConfig",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
        "translationConfig",
    }
)
"""https://ai.google.dev/api/generate-content#v1beta.GenerationConfig, and Vertex AI's"""

_THINKING = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
_MERGED = frozenset({"generationConfig", "thinkingConfig", "toolConfig", "functionCallingConfig"})
_NOT_SENT = frozenset({"api", "tools"})
"""``api`` chooses among OpenAI's endpoints; tools are put beside the others."""


def extra_tools(extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools among them."""
    tools = extra.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def merge_extra(body: dict[str, Any], extra: Mapping[str, Any]) -> None:
    """Merge them into the body, over what stands there."""
    for name, value in extra.items():
        key = camel(name)
        if key in _NOT_SENT:
            continue
        if key == "stop":
            _merge(body, "generationConfig", {"stopSequences": [value] if isinstance(value, str) else value})
        elif key in _THINKING:
            _merge(body, "generationConfig", {"thinkingConfig": {key: value}})
        elif key in _GENERATION:
            _merge(body, "generationConfig", {key: value})
        else:
            _merge(body, key, value)


def _merge(target: dict[str, Any], key: str, value: Any) -> None:
    if key not in _MERGED or not isinstance(value, Mapping):
        target[key] = value
        return
    inner = target[key] = dict(target.get(key) or {})
    for name, item in value.items():
        _merge(inner, camel(name), item)
    if key == "thinkingConfig" and {"thinkingBudget", "thinkingLevel"} <= inner.keys():
        inner.pop(  # Gemini takes only one of them: the one that was just given stays
            "thinkingBudget" if "thinkingLevel" in map(camel, value) else "thinkingLevel"
        )
