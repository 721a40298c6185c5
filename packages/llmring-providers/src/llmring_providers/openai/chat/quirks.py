"""A chat completions body as a host takes it that deviates from OpenAI: :class:`llmring_types.hosts.Quirks`.

It runs after the encoding, on hosts whose row has quirks, so that OpenAI's own requests pay nothing for it.
"""

from collections.abc import Mapping
from typing import Any

from llmring_types.hosts import Quirks

from llmring_providers._fit.parameters import fit_parameters
from llmring_providers._fit.tools import ToolChoice, function_names, read_choice
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.parts import unsupported

_LIMITS = ("max_completion_tokens", "max_tokens")
_ANSWER = "Done."
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")


def fit_body(body: dict[str, Any], quirks: Quirks, call: ChatCall, warnings: list[str]) -> None:
    """Change the body to the form that the host takes, with a warning for whatever is lost.

    Raises:
        UnsupportedContentError: a part that is no text stands where the host takes only texts.
    """
    fit_parameters(body, quirks, call, warnings)
    if quirks.token_limit is not None:
        _rename_limit(body, quirks.token_limit)
    if not quirks.stream_options:
        body.pop("stream_options", None)
    if not quirks.parallel_calls and body.pop("parallel_tool_calls", None) is False:
        warnings.append(f"parallel_tool_calls was dropped: {call.ref.provider} does not take it")
    if "tool_choice" in body:
        _fit_choice(body, quirks, call, warnings)
    if not quirks.strict:
        _drop_strict(body, call, warnings)
    body["messages"] = _messages(body["messages"], quirks, call, warnings)


def _rename_limit(body: dict[str, Any], name: str) -> None:
    limits = [body.pop(each) for each in _LIMITS if each in body]
    if limits:
        body[name] = limits[0]


def _fit_choice(body: dict[str, Any], quirks: Quirks, call: ChatCall, warnings: list[str]) -> None:
    """Put the choice into the host's words. One of names becomes a choice of tools: the others are not offered."""
    tools = body.get("tools") or ()
    choice = read_choice(body["tool_choice"], function_names(tools))
    if choice is None:
        return
    host = call.ref.provider
    if choice.names and not quirks.named_choice:
        body["tools"] = [tool for tool in tools if set(function_names([tool])) & set(choice.names)]
        warnings.append(
            f"tool_choice was sent as a shorter list of tools: {host} takes no names ({', '.join(choice.names)})"
        )
        choice = ToolChoice(choice.mode)
    if choice.names and quirks.required_word is not None:
        return
    if choice.mode == "required":
        body["tool_choice"] = quirks.required_word or "auto"
        if quirks.required_word is None:
            warnings.append(f"tool_choice={choice.mode!r} was sent as 'auto': {host} cannot demand a call")
    elif not choice.names:
        body["tool_choice"] = choice.mode


def _drop_strict(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> None:
    forms = [tool["function"] for tool in body.get("tools") or () if isinstance(tool.get("function"), dict)]
    schema = (body.get("response_format") or {}).get("json_schema")
    if isinstance(schema, dict):
        forms.append(schema)
    dropped = [form.pop("strict", None) for form in forms]
    if any(dropped):
        warnings.append(f"strict was dropped: {call.ref.provider} does not take it")


def _messages(
    messages: list[dict[str, Any]], quirks: Quirks, call: ChatCall, warnings: list[str]
) -> list[dict[str, Any]]:
    fitted = [_message(message, quirks, call) for message in messages]
    names = [] if quirks.speakers else [message.pop("name", None) for message in fitted]
    if any(names):
        warnings.append(f"the names of speakers were dropped: {call.ref.provider} takes none")
    if quirks.answered_results:
        fitted = _answered(fitted, call, warnings)
    if quirks.alternating:
        fitted = _joined(fitted, call, warnings)
    last = fitted[-1] if fitted else {}
    if quirks.begun_answer and last.get("role") == "assistant" and not last.get("tool_calls"):
        last[quirks.begun_answer] = True
    return fitted


def _message(message: Mapping[str, Any], quirks: Quirks, call: ChatCall) -> dict[str, Any]:
    fitted = dict(message)
    if message.get("role") in quirks.text_only and isinstance(message.get("content"), list):
        fitted["content"] = _text(message["content"], call)
    if quirks.replays_reasoning == "never":
        for name in _REASONING:
            fitted.pop(name, None)
    return fitted


def _text(parts: list[Any], call: ChatCall) -> str:
    for part in parts:
        if not isinstance(part, Mapping) or part.get("type") != "text":
            kind = part.get("type") if isinstance(part, Mapping) else part
            raise unsupported(f"content part of type {kind!r}", call, call.ref.provider)
    return "\n\n".join(part["text"] for part in parts)


def _answered(messages: list[dict[str, Any]], call: ChatCall, warnings: list[str]) -> list[dict[str, Any]]:
    """Put an answer between results of tools and a message of the user."""
    answered: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "user" and answered and answered[-1]["role"] == "tool":
            answered.append({"role": "assistant", "content": _ANSWER})
            warning = f"{_ANSWER!r} was put between results of tools and the user's message: {call.ref.provider} wants an answer there"
            if warning not in warnings:
                warnings.append(warning)
        answered.append(message)
    return answered


def _joined(messages: list[dict[str, Any]], call: ChatCall, warnings: list[str]) -> list[dict[str, Any]]:
    """Join neighbours of the same role, where nothing but their texts would change."""
    joined: list[dict[str, Any]] = []
    for message in messages:
        before = joined[-1] if joined else {}
        if (
            message["role"] in ("user", "assistant")
            and all(
                each.keys() <= {"role", "content"} and isinstance(each.get("content"), str)
                for each in (before, message)
            )
            and before.get("role") == message["role"]
        ):
            before["content"] = f"{before['content']}\n\n{message['content']}"
            warning = f"messages in a row were joined: {call.ref.provider} wants user and assistant by turns"
            if warning not in warnings:
                warnings.append(warning)
        else:
            joined.append(message)
    return joined
