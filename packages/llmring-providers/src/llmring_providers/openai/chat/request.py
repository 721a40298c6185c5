"""The neutral request as a chat completions body: https://platform.openai.com/docs/api-reference/chat/create"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from llmring_types import Message, ToolCall, function_spec, tool_call

from llmring_providers._fit.fitting import Fit, are_plain, fitted
from llmring_providers._fit.formats import wanted_format
from llmring_providers._fit.history import message_text, replay_of
from llmring_providers._fit.models import ModelRules
from llmring_providers._fit.names import NINE_LETTERS, NameRule
from llmring_providers._fit.parameters import NOT_OF_CHAT, without_foreign
from llmring_providers._fit.tools import arguments_text, function_names, read_choice
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.openai.chat.response import neutral_call
from llmring_providers.openai.chat.wire import Call, parts_text
from llmring_providers.openai.extra_params import fit_chat, fitting_extra, merge_extra
from llmring_providers.openai.models import NAMES, is_own_host, is_own_model, rules_for
from llmring_providers.openai.parameters import (
    answer_format,
    cache_params,
    effort,
    note_ignored_marks,
    output_limit,
    system_role,
    takes_system,
    temperature,
    with_parameters,
)
from llmring_providers.openai.parts import openai_part, unsupported

PATH = "/chat/completions"
_MESSAGE_FIELDS = frozenset(
    {"audio", "partial", "prefix", "reasoning", "reasoning_content", "reasoning_details"}
)
"""Message fields of hosts beyond OpenAI's form: reasoning, and the answer prefixes of two hosts."""
FIT = Fit(
    whose="chat completions",
    rules=lambda call: rules_for(call, "chat"),
    names=NAMES,
    ids=NameRule(taken=re.compile(r".{1,40}", re.DOTALL), longest=40),
    moved=frozenset({"image"}),
    speakers=True,
    fields=_MESSAGE_FIELDS,
)
_OWN_FIT = msgspec.structs.replace(FIT, moved=frozenset())
"""With OpenAI's own models: the responses API takes images in the results of tools, so nothing has to move."""
_NINE_FIT = msgspec.structs.replace(FIT, ids=NINE_LETTERS)
_NOT_IN_SPEAKER = re.compile(r"[\s<|\\/>]")
_NESTED = frozenset({"stream_options"})
_FOREIGN = frozenset({"betas", "stream"})
"""Of all others, some host may know them."""


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of a message that chat completions cannot carry.
    """
    warnings: list[str] = []
    plain = are_plain(call.request.messages)
    call, quirks = fitted(call, _fit(call), warnings, plain=plain), call.quirks
    request = call.request
    rules = rules_for(call, "chat")
    body: dict[str, Any] = {"model": call.ref.model, "messages": _messages(call, warnings, plain=plain)}
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    _parameters(body, call, rules, warnings)
    if request.tools:
        body["tools"] = wire_tools(request.tools, call, warnings)
        if request.tool_choice is not None:
            body["tool_choice"] = wire_choice(request.tool_choice, request.tools)
    elif request.tool_choice is not None:
        warnings.append("tool_choice was dropped: there are no tools to choose from")
    if (wanted := wanted_format(call)) is not None:
        _format(body, wanted, call, rules, warnings)
    if not plain:
        note_ignored_marks(call, warnings)
    if request.extra_params:
        _extra(body, fitting_extra(call, rules, warnings, foreign=NOT_OF_CHAT), warnings)
    if (request.extra_params or request.cache) and is_own_host(call) and quirks is None:
        fit_chat(body, call, rules, warnings)
    if quirks is not None:
        from llmring_providers.openai.chat.quirks import fit_body  # noqa: PLC0415 - OpenAI itself has none

        fit_body(body, quirks, call, warnings)
    return WireRequest(path=PATH, body=encode_body(body, call, plain=plain), warnings=tuple(warnings))


def _messages(call: ChatCall, warnings: list[str], *, plain: bool) -> list[Any]:
    """Return messages in OpenAI's form: plain ones have it, as long as nobody writes into them afterwards."""
    request = call.request
    if (
        not plain
        or call.quirks is not None
        or request.response_format is not None
        or request.json_response
        or not takes_system(call)
        or _wants_empty_reasoning(call)
    ):
        return [_message(message, call, warnings) for message in request.messages]
    return request.messages


def _fit(call: ChatCall) -> Fit:
    if call.quirks is None:
        return _OWN_FIT if is_own_model(call) else FIT
    return _NINE_FIT if call.quirks.call_ids == "nine" else FIT


def _message(message: Message, call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    wire = _said(message, call, warnings)
    if message.name is not None and message.role != "tool":
        wire["name"] = _NOT_IN_SPEAKER.sub("_", message.name)
    if message.metadata and (fields := message.metadata.get("fields")):
        wire.update((name, value) for name, value in fields.items() if name in _MESSAGE_FIELDS)
    return wire


def _said(message: Message, call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    content, role = message.content, message.role
    if not isinstance(content, str) and content is not None:
        content = [_part(part, role, call) for part in content] or ""
    if role == "user":
        return {"role": role, "content": content}
    if role == "assistant":
        return _assistant(message, content, call, warnings)
    if role == "tool":
        return {"role": role, "tool_call_id": message.tool_call_id or "", "content": content}
    return {"role": system_role(call, warnings), "content": content}


def _assistant(
    message: Message, content: str | list[Any] | None, call: ChatCall, warnings: list[str]
) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": "assistant", "content": content}
    if message.tool_calls:
        wire["content"] = content or None
        wire["tool_calls"] = [_call(made, call, warnings) for made in message.tool_calls]
    elif content is None:
        wire["content"] = ""
    if message.metadata:
        for block in replay_of(message, call, warnings, api="chat"):
            if isinstance(block, dict):
                _replay(wire, block, message, call)
    if "reasoning_content" not in wire and _wants_empty_reasoning(call):
        wire["reasoning_content"] = ""
    return wire


def _call(made: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> Mapping[str, Any]:
    function = made.get("function")
    if not function:
        return made  # a custom tool call, written by the user in OpenAI's form
    arguments = function.get("arguments") if is_own_host(call) else arguments_text(function, warnings)
    return tool_call(made.get("id") or "", function.get("name") or "", arguments)


def _replay(wire: dict[str, Any], block: dict[str, Any], message: Message, call: ChatCall) -> None:
    """Put back what the host said beyond the neutral form, as far as the message still says the same."""
    fields = dict(block)
    raw, audio, parts = fields.get("tool_calls"), fields.pop("audio", None), fields.pop("content", None)
    if raw is not None and not _neutral(raw) == message.tool_calls == wire.get("tool_calls"):
        del fields["tool_calls"]
    if not _wants_reasoning(message, call):
        fields.pop("reasoning_content", None)
        fields.pop("reasoning", None)
    if isinstance(parts, list) and parts_text(parts) == message_text(message):
        fields["content"] = parts
    if isinstance(audio, dict) and audio.get("transcript") == message_text(message):
        fields.update(audio={"id": audio.get("id")}, content=None)
    wire.update(fields)


def _wants_reasoning(message: Message, call: ChatCall) -> bool:
    """Return whether the host wants to see the reasoning of an answer again."""
    if (wanted := call.quirks and call.quirks.replays_reasoning) is not None:
        return wanted == "always" or (wanted == "tools" and _has_tools(call))
    back = rules_for(call).reasoning_back or "all"
    if back == "never":
        return False
    return bool(message.tool_calls or (back != "calls" and _has_tools(call)))


def _wants_empty_reasoning(call: ChatCall) -> bool:
    """Return whether every answer needs a field for its reasoning once there are tools, if only an empty one."""
    return rules_for(call).reasoning_back == "filled" and _has_tools(call)


def _has_tools(call: ChatCall) -> bool:
    request = call.request
    return bool(request.tools) or any(message.tool_calls for message in request.messages)


def _neutral(raw: object) -> list[ToolCall]:
    try:
        calls = msgspec.convert(raw, list[Call])
    except msgspec.ValidationError:  # somebody wrote into what was to travel unchanged
        return []
    return [neutral_call(made, place) for place, made in enumerate(calls)]


def _part(part: Mapping[str, Any], role: str, call: ChatCall) -> Mapping[str, Any]:
    if part["type"] == "refusal" and role != "assistant":  # who else refuses says so in words
        return {"type": "text", "text": part.get("refusal") or ""}
    wire = openai_part(part, call)
    if wire["type"] == "file" and "file_url" in (wire.get("file") or {}):
        raise unsupported("document with a 'url' source", call, "chat completions")
    return wire


def _parameters(body: dict[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]) -> None:
    request = call.request
    if request.temperature is not None and (value := temperature(call, rules, warnings)) is not None:
        body["temperature"] = value
    if request.reasoning_effort is not None and (wanted := effort(call, rules, warnings)) is not None:
        body["reasoning_effort"] = wanted
    if (limit := output_limit(call, rules, warnings)) is not None:
        # max_tokens is deprecated, and the reasoning families refuse it; most other hosts know nothing else.
        facts = call.facts
        new = rules.family or (facts is not None and facts.reasoning)
        body["max_completion_tokens" if new else "max_tokens"] = limit
    if request.cache:
        body.update(cache_params(call, warnings))


def _format(
    body: dict[str, Any], wanted: Mapping[str, Any], call: ChatCall, rules: ModelRules, warnings: list[str]
) -> None:
    form = answer_format(wanted, body["messages"], call, rules, warnings)
    if form.get("type") == "json_schema":
        form = {"type": form.pop("type"), "json_schema": form}
    body["response_format"] = form


def _extra(body: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]) -> None:
    if "max_completion_tokens" in extra:
        body.pop("max_tokens", None)  # OpenAI refuses both together
    merge_extra(body, without_foreign(extra, _FOREIGN, "OpenAI", warnings), _NESTED)
    if "parallel_tool_calls" in body and not body.get("tools"):
        del body["parallel_tool_calls"]
        warnings.append("parallel_tool_calls was dropped: OpenAI takes it together with tools only")
    if "stream_options" in body and not body.get("stream"):
        del body["stream_options"]
        warnings.append("stream_options was dropped: OpenAI takes it for streams only")
    number = body.get("n")
    if isinstance(number, int) and number > 1:
        warnings.append(f"n={number} was asked for: the response holds only the first answer")


def wire_tools(
    tools: Iterable[Mapping[str, Any]], call: ChatCall, warnings: list[str]
) -> list[Mapping[str, Any]]:
    """Return the tools in OpenAI's form; a host's own tools pass through."""
    return [_tool(tool, call, warnings) for tool in tools]


def _tool(tool: Mapping[str, Any], call: ChatCall, warnings: list[str]) -> Mapping[str, Any]:
    function = function_spec(tool)
    if function is not None:
        written = with_parameters(function, call, warnings)
        nested = {name: value for name, value in written.items() if name != "type"}
        return {"type": "function", "function": nested}
    if tool["type"] == "custom" and "custom" not in tool:  # written flat, as for the responses API
        custom = {name: value for name, value in tool.items() if name not in ("type", "format")}
        if isinstance(form := tool.get("format"), Mapping):
            custom["format"] = _nested_grammar(form)
        return {"type": "custom", "custom": custom}
    return tool


def _nested_grammar(form: Mapping[str, Any]) -> Mapping[str, Any]:
    if form.get("type") != "grammar" or "grammar" in form:
        return form
    return {"type": "grammar", "grammar": {name: value for name, value in form.items() if name != "type"}}


def wire_choice(choice: str | Mapping[str, Any], tools: Iterable[Mapping[str, Any]]) -> Any:
    """Return a choice in OpenAI's form; what is a host's own passes through."""
    if isinstance(choice, Mapping) and isinstance(choice.get("allowed_tools"), Mapping):
        return choice
    read = read_choice(choice, function_names(tools))
    if read is None:
        return choice
    if not read.names:
        return read.mode
    functions = [{"type": "function", "function": {"name": name}} for name in read.names]
    if read.mode == "required" and len(functions) == 1:
        return functions[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": read.mode, "tools": functions}}
