"""The neutral request as a body of the responses API.

https://platform.openai.com/docs/api-reference/responses/create

Nothing is stored at OpenAI: every call sends the whole conversation, as with every other provider, and encrypted
reasoning travels with the assistant messages. System messages stay where they are in the conversation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import function_spec

from llmring_providers._fit.fitting import Fit, are_plain, fitted
from llmring_providers._fit.formats import wanted_format
from llmring_providers._fit.models import ModelRules
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.parameters import fit_parameters, with_own_fields, without_foreign
from llmring_providers._fit.tools import function_names, read_choice
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.openai.extra_params import fit_responses, fitting_extra, merge_extra
from llmring_providers.openai.models import NAMES, encrypts_reasoning, rules_for
from llmring_providers.openai.parameters import (
    answer_format,
    cache_params,
    effort,
    note_ignored_marks,
    output_limit,
    temperature,
    with_parameters,
)
from llmring_providers.openai.responses.input import input_items

PATH = "/responses"
FIT = Fit(
    whose="the responses API",
    names=NAMES,
    ids=NameRule(taken=re.compile(r".{1,64}", re.DOTALL)),
    rules=lambda call: rules_for(call, "responses"),
    apart=True,
    flat=True,
    continued=frozenset({"previous_response_id", "conversation", "prompt"}),
)
_OWN_FIELDS = frozenset({"response_format", "tool_choice", "tools"})
_ENCRYPTED = "reasoning.encrypted_content"
_NESTED = frozenset({"reasoning", "text", "stream_options"})
_FOREIGN = frozenset(
    {
        "audio",
        "betas",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "modalities",
        "n",
        "prediction",
        "presence_penalty",
        "seed",
        "stop",
        "stream",
        "web_search_options",
    }
)
"""Of chat completions alone."""
_CHAT_NAMES = {
    "max_tokens": ("max_output_tokens",),
    "max_completion_tokens": ("max_output_tokens",),
    "reasoning_effort": ("reasoning", "effort"),
    "verbosity": ("text", "verbosity"),
}
"""Extra parameters under the names of chat completions: the user need not know which API a model needs."""


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of a message that the responses API cannot carry.
    """
    warnings: list[str] = []
    if call.request.extra_params:
        call = with_own_fields(call, _OWN_FIELDS)
    call = fitted(call, FIT, warnings, plain=are_plain(call.request.messages))
    request = call.request
    rules = rules_for(call, "responses")
    body: dict[str, Any] = {
        "model": call.ref.model,
        "input": input_items(call, warnings),
        "store": False,
    }
    if stream:
        body["stream"] = True
    _parameters(body, call, rules, warnings)
    if request.tools:
        body["tools"] = flat_tools(request.tools, call, warnings)
        if request.tool_choice is not None:
            body["tool_choice"] = flat_choice(request.tool_choice, request.tools)
    elif request.tool_choice is not None:
        warnings.append("tool_choice was dropped: there are no tools to choose from")
    if (wanted := wanted_format(call)) is not None:
        _format(body, wanted, call, rules, warnings)
    note_ignored_marks(call, warnings)
    _extra(body, fitting_extra(call, rules, warnings), warnings)
    fit_responses(body, call, rules, warnings)
    if call.quirks is not None:
        fit_parameters(body, call.quirks, call, warnings)
    return WireRequest(path=PATH, body=encode_body(body, call), warnings=tuple(warnings))


def _parameters(body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]) -> None:
    if (value := temperature(call, rules, warnings)) is not None:
        body["temperature"] = value
    if (wanted := effort(call, rules, warnings)) is not None:
        body["reasoning"] = {"effort": wanted}
    if (limit := output_limit(call, rules, warnings)) is not None:
        body["max_output_tokens"] = limit
    if encrypts_reasoning(call, rules):
        body["include"] = [_ENCRYPTED]
    if call.request.cache:
        body.update(cache_params(call, warnings))


def _format(
    body: dict[str, Any], wanted: Mapping[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]
) -> None:
    form = answer_format(wanted, body["input"], call, rules, warnings)
    if form.get("type") == "json_schema":
        form.setdefault("strict", False)
    body["text"] = {"format": form}


def _extra(body: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]) -> None:
    given = without_foreign(extra, _FOREIGN, "the responses API", warnings)
    for name, place in _CHAT_NAMES.items():
        if name in given:
            value = given.pop(name)
            given.setdefault(place[0], value if len(place) == 1 else {place[1]: value})
    if given.get("background"):
        del body["store"]  # an answer that is fetched later has to be stored
    include = given.get("include")
    if isinstance(include, list):
        present = body.get("include", [])
        given["include"] = [*present, *(name for name in include if name not in present)]
    merge_extra(body, given, _NESTED)


_NO_PARAMETERS = {"type": "object", "properties": {}}


def flat_tools(
    tools: Iterable[Mapping[str, Any]], call: ChatCall, warnings: list[str]
) -> list[Mapping[str, Any]]:
    """Return the tools in the flat form; hosted tools pass through."""
    return [_tool(tool, call, warnings) for tool in tools]


def _tool(tool: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        # ``strict`` is on by default here and off with chat completions: said aloud, a tool means the same with both.
        return {
            "parameters": _NO_PARAMETERS,
            "strict": False,
            **with_parameters(function, call, warnings),
            "type": "function",
        }
    custom = tool.get("custom")
    if isinstance(custom, Mapping):
        flat: dict[str, Any] = {**custom, "type": "custom"}
        grammar = (custom.get("format") or {}).get("grammar")
        if isinstance(grammar, Mapping):
            flat["format"] = {"type": "grammar", **grammar}
        return flat
    return tool


def has_custom(tools: Any) -> bool:
    """Return whether there is a custom tool among these, or in a namespace of them."""
    if not isinstance(tools, Sequence):
        return False
    found = (tool for tool in tools if isinstance(tool, Mapping))
    return any(tool.get("type") == "custom" or has_custom(tool.get("tools")) for tool in found)


def flat_choice(choice: str | Mapping[str, Any], offered: Iterable[Mapping[str, Any]]) -> Any:
    """Return a choice in the flat form; what is OpenAI's own passes through."""
    if isinstance(choice, Mapping):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, Mapping):
            tools = allowed.get("tools")
            flat = [_flat(tool) for tool in tools] if isinstance(tools, list) else tools
            return {"type": "allowed_tools", **allowed, "tools": flat}
        if choice.get("type") in ("allowed_tools", "custom"):
            return _flat(choice)
    read = read_choice(choice, function_names(offered))
    if read is None:
        return choice
    if not read.names:
        return read.mode
    functions = [{"type": "function", "name": name} for name in read.names]
    if read.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "mode": read.mode, "tools": functions}


def _flat(named: Any) -> Any:
    """A tool or a choice by its name, with what stands under its type beside it."""
    inner = named.get(str(named.get("type"))) if isinstance(named, Mapping) else None
    return {"type": named["type"], **inner} if isinstance(inner, Mapping) else named
