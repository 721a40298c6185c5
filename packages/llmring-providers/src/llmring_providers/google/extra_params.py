"""``extra_params`` into the body, where a user means them to be.

Names may be in Gemini's camelCase or in snake_case. What belongs into ``generationConfig`` may stand at the top, and
what belongs into its ``thinkingConfig`` too. Of OpenAI's names, those that mean something here are translated and the
others dropped with a warning, since Gemini refuses names that it does not know.
"""

from collections.abc import Mapping
from typing import Any

from llmring_providers._fit.parameters import NOT_OF_GEMINI, OF_OPENAI, without_foreign
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

_MOST_STOPS = 5
_THINKING = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})
_MERGED = frozenset({"generationConfig", "thinkingConfig", "toolConfig", "functionCallingConfig"})
_TRANSLATED = {"n": "candidateCount", "stop": "stopSequences", "topLogprobs": "logprobs"}
_FOREIGN = frozenset(map(camel, OF_OPENAI | NOT_OF_GEMINI | {"api", "betas", "metadata", "stream"}))


def extra_tools(extra: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tools among them."""
    tools = extra.get("tools")
    return [tool for tool in tools if isinstance(tool, dict)] if isinstance(tools, list) else []


def merge_extra(body: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]) -> None:
    """Merge them into the body, over what stands there."""
    foreign = {name for name in extra if camel(name) in _FOREIGN}
    for name, value in without_foreign(extra, foreign, "Gemini", warnings).items():
        if name != "tools":  # they are put beside the others
            _place(body, camel(name), value)
    generation = body.get("generationConfig")
    if not isinstance(generation, dict):
        return
    number, stops = generation.get("candidateCount"), generation.get("stopSequences")
    if isinstance(stops, list) and len(stops) > _MOST_STOPS:
        generation["stopSequences"] = stops[:_MOST_STOPS]
        warnings.append(f"stopSequences was cut from {len(stops)} to {_MOST_STOPS}, Gemini's most")
    if isinstance(number, int) and number > 1:
        warnings.append(f"candidateCount={number} was asked for: the response holds only the first answer")


def _place(body: dict[str, Any], key: str, value: Any) -> None:
    if key == "logprobs" and isinstance(value, bool):  # OpenAI's switch; Gemini's own word is a number
        key = "responseLogprobs"
    if key == "stop" and isinstance(value, str):
        value = [value]
    key = _TRANSLATED.get(key, key)
    if key in _THINKING:
        _merge(body, "generationConfig", {"thinkingConfig": {key: value}})
    elif key in _GENERATION:
        _merge(body, "generationConfig", {key: value})
    else:
        _merge(body, key, value)


def _merge(target: dict[str, Any], key: str, value: Any) -> None:
    if key not in _MERGED or not isinstance(value, Mapping):
        target[key] = value
        return
    there = target.get(key)
    inner = target[key] = dict(there) if isinstance(there, Mapping) else {}
    for name, item in value.items():
        _merge(inner, camel(name), item)
    if key == "thinkingConfig" and {"thinkingBudget", "thinkingLevel"} <= inner.keys():
        inner.pop(  # Gemini takes only one of them: the one that was just given stays
            "thinkingBudget" if "thinkingLevel" in map(camel, value) else "thinkingLevel"
        )
