"""Where a setting goes in the body, and the one knob for thinking."""

from collections.abc import Mapping
from typing import Any, Literal

from llmring_types import ReasoningEffort

from llmring_providers._extra_params import OF_OPENAI, without_foreign
from llmring_providers._protocol import ChatCall

_TOP = frozenset(
    {
        "model",
        "messages",
        "tools",
        "format",
        "options",
        "think",
        "keep_alive",
        "truncate",
        "shift",
        "logprobs",
        "top_logprobs",
    }
)
"""The fields of the request itself, https://docs.ollama.com/api/chat; all others are the model's options."""

_FOREIGN = OF_OPENAI | {"api", "betas", "max_output_tokens", "metadata", "n", "store", "stream"}
"""Not even options, which the server passes over when it does not know them."""

_Level = Literal["low", "medium", "high", "max"]
_LEVELS: Mapping[ReasoningEffort, _Level] = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
"""Models that only think or do not take every level as on."""


def add_extra_params(
    body: dict[str, Any], options: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]
) -> None:
    """Merge ``extra_params`` into the body: flat names such as ``seed`` or ``num_ctx`` are options of the model.

    https://docs.ollama.com/modelfile#valid-parameters-and-values
    """
    for name, value in without_foreign(extra, _FOREIGN, "Ollama", warnings).items():
        if name == "options" and isinstance(value, Mapping):
            options.update(value)
        elif name in _TOP:
            body[name] = value
        elif name == "stop" and isinstance(value, str):
            options["stop"] = [value]
        else:
            options[name] = value
    if options:
        body.setdefault("options", options)


def think(call: ChatCall, warnings: list[str]) -> bool | _Level | None:
    """What the request says about reasoning: on, off, a level, or nothing.

    https://docs.ollama.com/capabilities/thinking
    """
    effort, budget = call.request.reasoning_effort, call.request.reasoning_tokens
    if budget:
        warnings.append("reasoning_tokens only switches thinking on: Ollama takes no budget for it")
    if effort is None and budget is None:
        return None
    level = _LEVELS.get(effort) if effort is not None else None
    wanted = level is not None or (effort is None and bool(budget))
    if call.facts is not None and call.facts.reasoning is False:
        if wanted:
            warnings.append(f"the wish for reasoning was dropped: {call.ref} does not think")
        return None
    if call.ref.model.rpartition("/")[2].startswith("gpt-oss"):  # knows low, medium and high alone
        if not wanted:
            warnings.append(f"{call.ref} cannot stop thinking; it was asked to think little")
            return "low"
        return "high" if level == "max" else level
    return level or wanted
