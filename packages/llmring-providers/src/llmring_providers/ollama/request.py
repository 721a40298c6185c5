"""The neutral request as a body of ``/api/chat``: https://docs.ollama.com/api/chat"""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring_types import Message, function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.fitting import Fit, are_plain, fitted
from llmring_providers._fit.formats import in_dialect, unknown_format, wanted_format, wanted_schema
from llmring_providers._fit.history import replay_of
from llmring_providers._fit.media import document_text
from llmring_providers._fit.models import ModelRules, fitted_effort, nearest_effort, rules_of
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.parameters import OF_OPENAI, with_own_fields, without_foreign
from llmring_providers._fit.tools import ToolChoice, arguments_object, function_names, read_choice
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.schema import OLLAMA_FORMAT, OLLAMA_TOOL

_PATH = "/api/chat"
_OWN_FIELDS = frozenset({"max_tokens", "response_format", "tool_choice"})


def _rules(call: ChatCall) -> ModelRules:
    return rules_of("ollama", call.ref.model.rpartition("/")[2])


FIT = Fit(
    whose="Ollama",
    names=NameRule(taken=None),
    ids=NameRule(taken=None),
    rules=_rules,
    pairs=False,
    chooses=False,
)


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of a message for which the chat API has no place.
    """
    warnings: list[str] = []
    if call.request.extra_params:
        call = with_own_fields(call, _OWN_FIELDS)
    plain = are_plain(call.request.messages)
    call = fitted(call, FIT, warnings, plain=plain)
    request = call.request
    body: dict[str, Any] = {
        "model": call.ref.model,
        "messages": request.messages if plain else _messages(call, warnings),
        "stream": stream,  # the server's default is to stream
    }
    options: dict[str, Any] = {}
    if request.temperature is not None:
        options["temperature"] = request.temperature
    if request.max_tokens is not None:
        options["num_predict"] = request.max_tokens
    _tools(body, call, warnings)
    if (wanted := _format(call)) is not None:
        body["format"] = wanted
    if (wish := think(call, warnings)) is not None:
        body["think"] = wish
    if request.cache or (not plain and any(map(_asks_for_caching, request.messages))):
        warnings.append("caching wishes have no effect on Ollama, which keeps the last prompts by itself")
    if request.extra_params:
        levels = _rules(call).efforts or ()
        add_extra_params(body, options, request.extra_params, warnings, levels=levels)
    if options:
        body.setdefault("options", options)
    return WireRequest(path=_PATH, body=encode_body(body, call, plain=plain), warnings=tuple(warnings))


def _asks_for_caching(message: Message) -> bool:
    return message.metadata is not None and "cache_control" in message.metadata


def _messages(call: ChatCall, warnings: list[str]) -> list[dict[str, Any]]:
    names: dict[Any, str] = {}
    wire: list[dict[str, Any]] = []
    for message in call.request.messages:
        content = message.content
        one: dict[str, Any] = {"role": message.role, "content": content}
        if not isinstance(content, str):
            one["content"] = ""
            _add_parts(one, content or (), call)
        if message.role == "tool":
            _add_result(one, message, names)
        elif message.role == "assistant":
            if message.metadata:
                one.update(_replay(message, call, warnings))
            if message.tool_calls:
                one["tool_calls"] = [_call(each, names, call, warnings) for each in message.tool_calls]
        wire.append(one)
    return wire


def _add_parts(wire: dict[str, Any], parts: Any, call: ChatCall) -> None:
    texts: list[str] = []
    images: list[str] = []
    for part in parts:
        kind = part["type"]
        if kind in ("text", "refusal") and isinstance(part.get(kind), str):
            texts.append(part[kind])
        elif kind in ("image_url", "image"):
            images.append(_image(part, call))
        elif (text := _document_text(part, call)) is not None:
            texts.append(text)
        else:
            raise _unsupported(
                f"Ollama cannot take a {kind!r} part; use text, or image_url with a data URL", kind, call
            )
    wire["content"] = "\n".join(texts)
    if images:
        wire["images"] = images


def _image(part: Mapping[str, Any], call: ChatCall) -> str:
    """The bare base64 of an image: the protocol has no place for its media type."""
    source, url = part.get("source"), part.get("image_url")
    if isinstance(source, Mapping) and source.get("type") == "base64" and isinstance(source.get("data"), str):
        return str(source["data"])
    if isinstance(url, Mapping):
        url = url.get("url")
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise _unsupported(
            "Ollama takes images as data URLs in base64 only; fetch the image first", part["type"], call
        )
    return data


def _document_text(part: Mapping[str, Any], call: ChatCall) -> str | None:
    """Return the text of a text document; the protocol has no place for files."""
    source = part.get("source")
    if part["type"] != "document" or not isinstance(source, Mapping):
        return None
    try:
        return document_text(source)
    except ValueError as error:
        raise _unsupported(
            f"a document of {source.get('media_type')} is not UTF-8 text in base64", "document", call
        ) from error


def _add_result(wire: dict[str, Any], message: Message, names: Mapping[Any, str]) -> None:
    """Servers before 0.12 know a result by the name of its tool alone."""
    if (name := names.get(message.tool_call_id, message.name)) is not None:
        wire["tool_name"] = name
    if message.tool_call_id:
        wire["tool_call_id"] = message.tool_call_id


def _replay(message: Message, call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    blocks = [block for block in replay_of(message, call, warnings) if isinstance(block, Mapping)]
    return {"thinking": blocks[0]["thinking"]} if blocks and "thinking" in blocks[0] else {}


def _call(given: Any, names: dict[Any, str], call: ChatCall, warnings: list[str]) -> dict[str, Any]:
    function = given.get("function") if isinstance(given, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if function is None or not isinstance(name, str):
        raise _unsupported("Ollama takes calls of functions only, with their name", "tool_calls", call)
    names[given.get("id")] = name
    wire: dict[str, Any] = {
        "type": "function",
        "function": {"name": name, "arguments": arguments_object(function, warnings)},
    }
    return {"id": given["id"], **wire} if given.get("id") else wire


def _tools(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> None:
    """``tool_choice`` has no place in the protocol; without tools nothing can be called."""
    request = call.request
    if not request.tools:
        if request.tool_choice is not None:
            warnings.append("tool_choice was dropped: there are no tools to choose from")
        return
    choice = request.tool_choice and read_choice(request.tool_choice, function_names(request.tools))
    if choice and choice.mode == "none":
        return
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        function = function_spec(tool)
        if function is None:
            warnings.append(f"the tool {tool.get('type')!r} was dropped: Ollama has no tools of its own")
            continue
        written = {name: value for name, value in function.items() if name != "type"}
        if (parameters := function.get("parameters")) is not None:
            written["parameters"] = in_dialect(parameters, OLLAMA_TOOL, call).json
        tools.append({"type": "function", "function": written})
    if tools:
        body["tools"] = tools
    if request.tool_choice and choice != ToolChoice("auto"):
        warnings.append("tool_choice was dropped: on Ollama the model alone decides which tools it calls")


def _format(call: ChatCall) -> Any:
    """https://docs.ollama.com/capabilities/structured-outputs"""
    wanted = wanted_format(call)
    if wanted is None or wanted.get("type") == "text":
        return None
    if wanted.get("type") not in ("json_schema", "json_object"):
        raise unknown_format(wanted, call)
    schema = wanted_schema(wanted) if wanted["type"] == "json_schema" else None
    return in_dialect(schema, OLLAMA_FORMAT, call, answer=True).json if schema else "json"


def _unsupported(message: str, part: str, call: ChatCall) -> UnsupportedContentError:
    return UnsupportedContentError(message, provider=call.ref.provider, part=part)


FIELDS = frozenset(
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


def add_extra_params(
    body: dict[str, Any],
    options: dict[str, Any],
    extra: Mapping[str, Any],
    warnings: list[str],
    *,
    levels: Sequence[str] = (),
) -> None:
    """Merge ``extra_params`` into the body: flat names such as ``seed`` or ``num_ctx`` are options of the model.

    https://docs.ollama.com/modelfile#valid-parameters-and-values

    Args:
        body: of the request.
        options: those of the model so far.
        extra: as they were given.
        warnings: takes a sentence for each that is dropped or changed.
        levels: those of ``think`` that the model takes.
    """
    for name, value in without_foreign(extra, _FOREIGN, "Ollama", warnings).items():
        if name == "options" and isinstance(value, Mapping):
            options.update(value)
        elif name == "think" and isinstance(value, str):
            body[name] = fitted_effort(value, levels, body.get("model"), warnings)
        elif name in FIELDS:
            body[name] = value
        elif name == "stop" and isinstance(value, str):
            options["stop"] = [value]
        else:
            options[name] = value


def think(call: ChatCall, warnings: list[str]) -> bool | str | None:
    """Return the reasoning parameter: on, off, a level, or nothing.

    Models that only think or do not take every level as on: https://docs.ollama.com/capabilities/thinking
    """
    effort, budget = call.request.reasoning_effort, call.request.reasoning_tokens
    if budget:
        warnings.append("reasoning_tokens only switches thinking on: Ollama takes no budget for it")
    if effort is None and budget is None:
        return None
    wanted = effort != "none" and (effort is not None or bool(budget))
    if call.facts is not None and call.facts.reasoning is False:
        if wanted:
            warnings.append(f"the wish for reasoning was dropped: {call.ref} does not think")
        return None
    rules = _rules(call)
    if not wanted and rules.thinking_off == "never":
        warnings.append(f"{call.ref} cannot stop thinking; it was asked to think little")
        return nearest_effort("none", rules.efforts or ())
    if effort is None and rules.thinking_off == "never":
        return None  # it thinks in any case
    if effort is None or not wanted:
        return wanted
    return fitted_effort(effort, rules.efforts or (), call.ref, warnings)
