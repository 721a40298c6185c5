"""The neutral request as a chat completions body."""

from collections.abc import Iterable, Mapping
from typing import Any

from llmring_types import LLMRequest, Message, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._adapter import WireRequest
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall
from llmring_providers.openai.models import is_reasoning_model

_PATH = "/chat/completions"
_REASONING_RESERVE = 2000
"""Tokens added to ``max_tokens`` for a reasoning model that says nothing better: reasoning counts against the limit."""
_PASSED_PARTS = frozenset({"text", "image_url", "input_audio", "file", "refusal"})


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of a message that chat completions cannot carry.
    """
    request, warnings = call.request, list[str]()
    body: dict[str, Any] = {
        "model": call.ref.model,
        "messages": [_message(message, call) for message in request.messages],
    }
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    _limits(body, call, warnings)
    _tools(body, request)
    if (response_format := _response_format(request)) is not None:
        body["response_format"] = response_format
    if request.cache:
        _cache(body, request.cache, warnings)
    if any(message.metadata and "cache_control" in message.metadata for message in request.messages):
        warnings.append("cache_control has no effect on OpenAI, which caches long prompts by itself")
    body.update((name, value) for name, value in request.extra_params.items() if name != "api")
    return WireRequest(path=_PATH, body=encode_body(body, call), warnings=tuple(warnings))


def _message(message: Message, call: ChatCall) -> dict[str, Any]:
    content = message.content
    wire: dict[str, Any] = {"role": message.role, "content": content}
    if isinstance(content, list):
        wire["content"] = [_part(part, call) for part in content]
    if message.role == "tool":
        wire["tool_call_id"] = message.tool_call_id or ""
    elif message.tool_calls:
        wire["tool_calls"] = message.tool_calls
        if not content:
            wire["content"] = None
    return wire


def _part(part: dict[str, Any], call: ChatCall) -> dict[str, Any]:
    kind = part["type"]
    if kind in _PASSED_PARTS:
        return part
    source = part.get("source")
    if kind == "document" and isinstance(source, Mapping) and source.get("type") == "base64":
        media_type = source.get("media_type", "application/pdf")
        file = {
            "filename": part.get("filename") or part.get("title") or "document.pdf",
            "file_data": f"data:{media_type};base64,{source.get('data', '')}",
        }
        return {"type": "file", "file": file}
    raise UnsupportedContentError(
        f"{call.ref.provider} chat completions cannot take a {kind!r} part; use text, image_url, or a base64 document",
        provider=call.ref.provider,
        part=kind,
    )


def _limits(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> None:
    request, facts = call.request, call.facts
    if request.temperature is not None:
        if facts is not None and facts.temperature is False:
            warnings.append(f"temperature was dropped: {call.ref} does not take it")
        else:
            body["temperature"] = request.temperature
    if request.reasoning_effort is not None:
        body["reasoning_effort"] = request.reasoning_effort
    if request.max_tokens is None:
        if request.reasoning_tokens:
            warnings.append(
                "reasoning_tokens has no effect without max_tokens on OpenAI; use reasoning_effort"
            )
    elif is_reasoning_model(call.ref.model, facts):
        reserve = request.reasoning_tokens
        if reserve is None:
            reserve = (facts.min_reasoning_tokens if facts else None) or _REASONING_RESERVE
        body["max_completion_tokens"] = request.max_tokens + reserve
    else:
        body["max_tokens"] = request.max_tokens


def _tools(body: dict[str, Any], request: LLMRequest) -> None:
    if request.tools:
        body["tools"] = list(_wire_tools(request.tools))
    choice = request.tool_choice
    if choice is None:
        return
    body["tool_choice"] = named_choice(choice) or choice


def _wire_tools(tools: Iterable[dict[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for tool in tools:
        function = function_spec(tool)
        if function is None or function is tool.get("function"):
            yield tool
        else:
            yield {
                "type": "function",
                "function": {key: value for key, value in function.items() if key != "type"},
            }


def named_choice(choice: str | Mapping[str, Any]) -> dict[str, Any] | None:
    """Return OpenAI's form of a choice that names a function, however it was written; ``None`` for the words."""
    if isinstance(choice, str):
        name: Any = None if choice in ("auto", "none", "required") else choice
    else:
        function = choice.get("function")
        name = function.get("name") if isinstance(function, Mapping) else function
        if name is None and choice.get("type", "function") == "function":
            name = choice.get("name")
    return {"type": "function", "function": {"name": name}} if isinstance(name, str) else None


def _response_format(request: LLMRequest) -> Mapping[str, Any] | None:
    wanted = request.response_format
    if wanted is None:
        return {"type": "json_object"} if request.json_response else None
    kind = wanted.get("type")
    if kind in ("json", "json_object"):
        return {"type": "json_object"}
    if kind != "json_schema":
        return dict(wanted)
    schema = dict(wanted.get("json_schema") or {})
    schema.setdefault("name", "response")
    if "strict" in wanted:
        schema.setdefault("strict", wanted["strict"])
    return {"type": "json_schema", "json_schema": schema}


def _cache(body: dict[str, Any], cache: Mapping[str, Any], warnings: list[str]) -> None:
    """https://platform.openai.com/docs/guides/prompt-caching"""
    known = {"key": "prompt_cache_key", "retention": "prompt_cache_retention"}
    for name, value in cache.items():
        if name in known:
            body[known[name]] = value
        else:
            warnings.append(f"cache[{name!r}] has no effect on OpenAI, which takes 'key' and 'retention'")
