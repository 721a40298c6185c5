"""Refusals by Gemini: https://ai.google.dev/api/generate-content"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from validators import _calls, json_schema

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
# https://ai.google.dev/gemini-api/docs/thinking
_LEVELS = (
    (r"gemini-3-pro.*", ("low", "high")),
    (r"gemini-3\.\d-pro.*", ("low", "medium", "high")),
    (r"gemini-3(?:\.[1-6])?-flash.*", ("minimal", "low", "medium", "high")),
)


def refusals(path: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Return the reasons for a 400 to a body; the model is in the path."""
    if not body.get("contents", [None]):
        yield "contents is not specified"
    for turn in body.get("contents", ()):
        if turn.get("role") not in (None, "user", "model", "function"):
            yield f"role {turn.get('role')!r}"
        if not turn.get("parts"):
            yield "a turn without parts"
        # Of Vertex AI alone: "has an empty text parameter".
        if "publishers/" in path and any(part == {"text": ""} for part in turn.get("parts", ())):
            yield "an empty text"
    if "cachedContent" not in body and (body.get("contents") or [{}])[0].get("role") == "model":
        yield "function call turn comes immediately after a user turn"
    if "cachedContent" not in body:
        yield from _calls.unpaired(_calls.of_gemini(body.get("contents", ())))
    declared = [
        tool.get("functionDeclarations", ()) for tool in body.get("tools", ()) if isinstance(tool, dict)
    ]
    yield from _calls.doubled(function.get("name") for functions in declared for function in functions)
    for tool in body.get("tools", ()):
        for function in tool.get("functionDeclarations", ()) if isinstance(tool, dict) else ():
            yield from _function(function)
    yield from _config(path.rpartition("/")[2].partition(":")[0], body.get("generationConfig") or {})


def _config(model: str, config: Mapping[str, Any]) -> Iterator[str]:
    if "responseSchema" in config and "responseJsonSchema" in config:
        yield "two schemas"
    if "responseSchema" in config:
        yield from json_schema.refusals(config["responseSchema"], json_schema.GEMINI_OPENAPI)
    if "responseJsonSchema" in config:
        yield from json_schema.refusals(config["responseJsonSchema"], json_schema.GEMINI)
        if config.get("responseMimeType") != "application/json":
            yield "a schema without its media type"
    yield from _thinking(model, config.get("thinkingConfig") or {})
    if re.match(r"gemini-(?:2\.5|3)", model) and {"frequencyPenalty", "presencePenalty"} & config.keys():
        yield f"Penalty is not enabled for models/{model}"


def _thinking(model: str, thinking: Mapping[str, Any]) -> Iterator[str]:
    if re.match(r"gemini-(?:1|2\.0)", model) and thinking:
        yield "thinking_config is not supported"
    if re.match(r"gemini-2\.5", model) and "thinkingLevel" in thinking:
        yield "Thinking level is not supported for this model"
    if re.match(r"gemini-2\.5-pro", model) and thinking.get("thinkingBudget") == 0:
        yield "Budget 0 is invalid. This model only works in thinking mode."
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        yield "a level and a budget"
    for pattern, levels in _LEVELS:
        level = thinking.get("thinkingLevel")
        if level is not None and re.fullmatch(pattern, model) and str(level).lower() not in levels:
            yield f"{model} has no level {level!r}"


def _function(function: Mapping[str, Any]) -> Iterator[str]:
    if _NAME.fullmatch(str(function.get("name"))) is None:
        yield f"a function is named {function.get('name')!r}"
    if "parameters" in function and "parametersJsonSchema" in function:
        yield "two schemas of one function"
    if function.get("parametersJsonSchema"):
        rules = json_schema.GEMINI._replace(object_root=True)
        yield from json_schema.refusals(function["parametersJsonSchema"], rules)
