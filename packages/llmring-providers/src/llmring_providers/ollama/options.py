"""Where a setting goes in the body, and the one knob for thinking."""

from collections.abc import Mapping
from typing import Any, Literal

from llmring_types import ReasoningEffort

from llmring_providers._protocol import ChatCall

_TOP = frozenset(
    {
        "model",
        "messages",
        "tools",
        "stream",
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
"""The fields of the request itself, https://docs.ollama.com/api/chat; every other name is one of the model's options."""

_LEVELS: Mapping[ReasoningEffort, Literal["low", "medium", "high"]] = {
    "none": "low",
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}


def add_extra_params(body: dict[str, Any], options: dict[str, Any], extra: Mapping[str, Any]) -> None:
    """Merge ``extra_params`` into the body: flat names such as ``seed`` or ``num_ctx`` are options of the model.

    https://docs.ollama.com/modelfile#valid-parameters-and-values
    """
    for name, value in extra.items():
        if name == "options" and isinstance(value, Mapping):
            options.update(value)
        elif name in _TOP:
            body[name] = value
        elif name == "stop" and isinstance(value, str):
            options["stop"] = [value]
        elif name != "api":  # ours: it chooses between the APIs of OpenAI
            options[name] = value
    if options:
        body.setdefault("options", options)


def think(call: ChatCall, warnings: list[str]) -> bool | str | None:
    """What the request says about reasoning: on, off, a level for gpt-oss, or nothing.

    https://docs.ollama.com/capabilities/thinking
    """
    request = call.request
    effort, budget = request.reasoning_effort, request.reasoning_tokens
    if budget:
        warnings.append("reasoning_tokens only switches thinking on: Ollama takes no budget for it")
    if effort is None and budget is None:
        return None
    wanted = effort != "none" if effort is not None else bool(budget)
    if call.facts is not None and call.facts.reasoning is False:
        if wanted:
            warnings.append(f"the wish for reasoning was dropped: {call.ref} does not think")
        return None
    if not call.ref.model.rpartition("/")[2].startswith("gpt-oss"):
        return wanted
    if not wanted:
        warnings.append(f"{call.ref} cannot stop thinking; it was asked to think little")
    return _LEVELS[effort or ("medium" if wanted else "none")]
