"""The neutral request as a body of the Messages API."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.fitting import Fit, are_plain, fitted
from llmring_providers._fit.formats import (
    JSON_ALONE,
    in_dialect,
    schema_in_words,
    unknown_format,
    wanted_format,
    wanted_schema,
)
from llmring_providers._fit.models import rules_of
from llmring_providers._fit.names import NameRule
from llmring_providers._fit.parameters import NOT_OF_ANTHROPIC, OF_OPENAI, fit_parameters, without_foreign
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.anthropic.messages import Conversation, encode_conversation
from llmring_providers.anthropic.models import NAMES, traits_of
from llmring_providers.anthropic.parts import FILES_BETA, Block, names_files
from llmring_providers.anthropic.reasoning import limits
from llmring_providers.anthropic.tools import wire_choice, wire_tools
from llmring_providers.schema import ANTHROPIC_STRICT

PATH = "/v1/messages"
FIT = Fit(
    whose="Anthropic",
    names=NAMES,
    ids=NameRule(taken=re.compile(r"[a-zA-Z0-9_-]+")),
    rules=lambda call: rules_of("anthropic", call.ref.model),
    needs_turn=True,
    apart=True,
)
_FOREIGN = (
    (OF_OPENAI - {"parallel_tool_calls", "user"})
    | NOT_OF_ANTHROPIC
    | {
        "api",
        "frequency_penalty",
        "logprobs",
        "max_output_tokens",
        "n",
        "presence_penalty",
        "seed",
        "store",
        "stream",
        "top_logprobs",
    }
)
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_LEAST_TOP_P = 0.95
_HEADERS = {"user_profile_id": "anthropic-user-profile-id", "workspace_id": "anthropic-workspace-id"}
"""Parameters that are not of the body."""


class ComposedRequest(NamedTuple):
    """A request before it is bytes; hosts that want the model elsewhere move it here.

    Attributes:
        body: what goes into JSON.
        betas: values of the ``anthropic-beta`` header.
        warnings: what was asked for and could not be sent.
        headers: those that only this request needs, betas aside.
        plain: each message is nothing but a role and a text.
    """

    body: dict[str, Any]
    betas: tuple[str, ...]
    warnings: list[str]
    headers: Mapping[str, str] = {}
    plain: bool = False


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of it that Anthropic has no place for.
    """
    composed = compose(call, stream=stream)
    if call.quirks is not None:
        fit_parameters(composed.body, call.quirks, call, composed.warnings)
    return WireRequest(
        path=PATH,
        body=encode_body(composed.body, call, plain=composed.plain),
        headers={**composed.headers, "anthropic-beta": ",".join(composed.betas)}
        if composed.betas
        else composed.headers,
        warnings=tuple(composed.warnings),
    )


def compose(call: ChatCall, *, stream: bool) -> ComposedRequest:
    """Translate the call, short of writing it as JSON.

    ``extra_params`` go into the body as they are, last; of OpenAI's names ``stop``, ``user`` and
    ``parallel_tool_calls`` are translated and those that mean nothing here dropped with a warning. As in the vendor's
    SDK, ``betas`` is a list for the ``anthropic-beta`` header, and ``user_profile_id`` and ``workspace_id``
    are headers.

    Raises:
        UnsupportedContentError: a part of it that Anthropic has no place for.
    """
    warnings: list[str] = []
    plain = are_plain(call.request.messages)
    call = fitted(call, FIT, warnings, plain=plain)
    request = call.request
    conversation = encode_conversation(call, warnings, plain=plain)
    if request.messages and not conversation.turns:
        raise UnsupportedContentError("no message says anything", provider=call.ref.provider, part="messages")
    _refuse_prefill(conversation, call)
    body: dict[str, Any] = {"model": call.ref.model, "messages": conversation.turns}
    if conversation.container is not None:
        body["container"] = conversation.container
    if request.tools:
        body["tools"] = wire_tools(request.tools, call, warnings)
    if request.tool_choice is not None:
        _choice(body, request.tool_choice, call, warnings)
    reasons = request.reasoning_effort is not None or request.reasoning_tokens is not None
    barred = _thinking_barred(body, conversation) if reasons else None
    body.update(limits(call, thinking_barred=barred, warnings=warnings))
    system = [*conversation.system, *_answer_format(body, call, warnings)]
    if system:
        body["system"] = _system(system)
    if request.cache:
        _cache(body, request.cache, warnings)
    if stream:
        body["stream"] = True
    extra = request.extra_params
    files = () if plain or not names_files(conversation.turns) else (FILES_BETA,)
    if not extra:
        return ComposedRequest(body, files, warnings, plain=plain)
    headers = {_HEADERS[name]: str(extra[name]) for name in _HEADERS if extra.get(name) is not None}
    betas = tuple(dict.fromkeys((*files, *_extra(body, call, warnings))))
    return ComposedRequest(body, betas, warnings, headers, plain)


def _refuse_prefill(conversation: Conversation, call: ChatCall) -> None:
    """Refuse what newer models answer with 400: to continue an answer that the conversation has begun.

    https://platform.claude.com/docs/en/about-claude/models/migration-guide
    """
    if not conversation.turns or traits_of(call.ref.model).prefill:
        return
    content = conversation.turns[-1]["content"]
    begun = isinstance(content, str) or content[-1]["type"] == "text"
    if conversation.turns[-1]["role"] == "assistant" and begun:
        raise UnsupportedContentError(
            f"{call.ref} continues no begun answer; let the conversation end with a message of the user",
            provider=call.ref.provider,
            part="assistant",
        )


def _choice(body: dict[str, Any], choice: Any, call: ChatCall, warnings: list[str]) -> None:
    request = call.request
    tools = request.tools or ()
    if not tools and choice in ("auto", "none"):
        return
    if not tools and not request.extra_params.get("tools"):
        warnings.append("tool_choice was dropped: there are no tools to choose from")
        return
    wire = wire_choice(choice, tools, warnings)
    if wire.get("type") in ("any", "tool") and not traits_of(call.ref.model).forced_tools:
        warnings.append(f"tool_choice became 'auto': {call.ref} cannot be forced to call a tool")
        wire = {name: value for name, value in wire.items() if name != "name"} | {"type": "auto"}
    body["tool_choice"] = wire


def _system(blocks: list[Block]) -> str | list[Block]:
    (first, *others) = blocks
    return first["text"] if not others and first.keys() == {"type", "text"} else blocks


def _thinking_barred(body: Mapping[str, Any], conversation: Conversation) -> str | None:
    """Return why Anthropic would refuse a thinking budget here.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use
    """
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "Anthropic takes no thinking budget together with a forced tool"
    if conversation.lacks_thinking:
        return "the calls just answered were made without thinking, and Anthropic starts none between them"
    return None


def _answer_format(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> list[Block]:
    """Ask for JSON: natively with a schema, else by a sentence at the end of the system prompt, which is returned.

    https://platform.claude.com/docs/en/build-with-claude/structured-outputs
    """
    wanted = wanted_format(call)
    if wanted is None or wanted.get("type") == "text":
        return []
    if wanted.get("type") not in ("json_schema", "json_object"):
        raise unknown_format(wanted, call)
    schema = wanted_schema(wanted) if wanted["type"] == "json_schema" else None
    if schema is None:
        return [{"type": "text", "text": JSON_ALONE}]
    if traits_of(call.ref.model).json_schema:
        found = in_dialect(schema, ANTHROPIC_STRICT, call, answer=True)
        if not found.objections:
            form = {"type": "json_schema", "schema": found.json}
            body.setdefault("output_config", {})["format"] = form
            return []
        why = f"Anthropic's structured output cannot hold an answer to it ({found.objections[0]})"
    else:
        why = f"{call.ref} has no structured output"
    warnings.append(f"{why}: the schema was sent as part of the system prompt")
    return [{"type": "text", "text": schema_in_words(schema, call)}]


def _cache(body: dict[str, Any], cache: Mapping[str, Any], warnings: list[str]) -> None:
    """Let Anthropic place the mark at the end of the prompt.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching
    """
    known = {name: cache[name] for name in ("type", "ttl") if cache.get(name) is not None}
    if known:
        body["cache_control"] = {"type": "ephemeral", **known}
    warnings.extend(
        f"cache[{name!r}] has no effect on Anthropic, which takes 'type' and 'ttl'"
        for name in cache
        if name not in ("type", "ttl")
    )


def _extra(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> tuple[str, ...]:
    """Merge ``extra_params`` into the body and return the betas among them."""
    extra = without_foreign(call.request.extra_params, _FOREIGN, "Anthropic", warnings)
    betas = _betas(extra.pop("betas", None) or [], call)
    if extra.pop("parallel_tool_calls", None) is False:
        _one_call_at_a_time(body, extra, warnings)
    stop = extra.pop("stop", None)
    if stop and (kept := _stops(stop, warnings)):
        body["stop_sequences"] = kept
    if (user := extra.pop("user", None)) is not None:
        body["metadata"] = {"user_id": user}
    if isinstance(metadata := extra.get("metadata"), Mapping) and metadata.keys() - {"user_id"}:
        extra["metadata"] = {name: value for name, value in metadata.items() if name == "user_id"}
        warnings.append("metadata was cut to 'user_id', all that Anthropic takes")
    for name, value in sorted(extra.items(), key=lambda item: item[0] != "temperature"):
        if name in _HEADERS:
            continue
        if name in _SAMPLING and (why := _refusal(name, value, body, call)) is not None:
            warnings.append(f"{name} was dropped: {why}")
        elif isinstance(value, Mapping) and isinstance(body.get(name), dict) and name != "thinking":
            body[name] = {**body[name], **value}
        else:
            body[name] = value
    return betas


def _refusal(name: str, value: Any, body: Mapping[str, Any], call: ChatCall) -> str | None:
    """Return why a sampling parameter cannot be sent.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
    """
    traits = traits_of(call.ref.model)
    if not traits.sampling:
        return f"{call.ref} does not take it"
    if name == "top_p" and "temperature" in body and traits.either_sampler:
        return f"{call.ref} takes temperature or top_p, not both"
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        if name == "top_k" or (name == "temperature" and value != 1):
            return "Anthropic does not take it together with thinking"
        if name == "top_p" and isinstance(value, (int, float)) and value < _LEAST_TOP_P:
            return f"Anthropic takes it from {_LEAST_TOP_P} up together with thinking"
    return None


def _stops(given: Any, warnings: list[str]) -> list[Any]:
    stops = given if isinstance(given, list) else [given]
    kept = [stop for stop in stops if not isinstance(stop, str) or stop.strip()]
    if len(kept) < len(stops):
        warnings.append("a blank stop sequence was dropped: Anthropic takes none of white space alone")
    return kept


def _betas(given: Any, call: ChatCall) -> tuple[str, ...]:
    betas = [given] if isinstance(given, str) else given
    if not isinstance(betas, (list, tuple)) or not all(isinstance(beta, str) for beta in betas):
        raise UnsupportedContentError(
            f"extra_params['betas'] must be a list of names; got {given!r}",
            provider=call.ref.provider,
            part="betas",
        )
    return tuple(betas)


def _one_call_at_a_time(body: dict[str, Any], extra: Mapping[str, Any], warnings: list[str]) -> None:
    if not (body.get("tools") or extra.get("tools")):
        warnings.append("parallel_tool_calls was dropped: Anthropic takes it together with tools only")
    elif (choice := body.get("tool_choice", {"type": "auto"})).get("type") != "none":
        body["tool_choice"] = {**choice, "disable_parallel_tool_use": True}
