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
from llmring_providers._fit.parameters import fit_parameters, with_own_fields
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.anthropic.caching import add_cache, within_limits
from llmring_providers.anthropic.extra_params import HEADERS, merge_extra
from llmring_providers.anthropic.messages import Conversation, encode_conversation
from llmring_providers.anthropic.models import NAMES, traits_of
from llmring_providers.anthropic.parts import FILES_BETA, Block, names_files
from llmring_providers.anthropic.reasoning import limits
from llmring_providers.anthropic.tools import wire_choice, wire_tools, with_taken_fields
from llmring_providers.schema import ANTHROPIC_STRICT

PATH = "/v1/messages"
FIT = Fit(
    whose="Anthropic",
    names=NAMES,
    ids=NameRule(taken=re.compile(r"[a-zA-Z0-9_-]+")),
    rules=lambda call: rules_of("anthropic", call.ref.model),
    needs_turn=True,
    apart=True,
    reasoning=frozenset({"thinking", "redacted_thinking"}),
)
_OWN_FIELDS = frozenset({"response_format", "tool_choice", "tools"})


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
    try:
        return _compose(call, stream=stream)
    except UnsupportedContentError:
        fitting = with_taken_fields(call)
        if fitting is None:
            raise
        return _compose(fitting, stream=stream)


def _compose(call: ChatCall, *, stream: bool) -> ComposedRequest:
    warnings: list[str] = []
    if call.request.extra_params:
        call = with_own_fields(call, _OWN_FIELDS)
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
    reasons = reasons or "thinking" in request.extra_params
    barred = _thinking_barred(body, conversation) if reasons else None
    body.update(limits(call, thinking_barred=barred, warnings=warnings))
    system = [*conversation.system, *_answer_format(body, call, warnings)]
    if system:
        body["system"] = _system(system)
    if request.cache:
        add_cache(body, request.cache, warnings)
    if stream:
        body["stream"] = True
    extra = request.extra_params
    files = () if plain or not names_files(conversation.turns) else (FILES_BETA,)
    if not extra:
        return ComposedRequest(_marked(body, plain, warnings), files, warnings, plain=plain)
    headers = {HEADERS[name]: str(extra[name]) for name in HEADERS if extra.get(name) is not None}
    merged = merge_extra(body, call, thinking_barred=barred, warnings=warnings)
    betas = tuple(dict.fromkeys((*files, *merged)))
    return ComposedRequest(_marked(body, plain, warnings), betas, warnings, headers, plain)


def _marked(body: dict[str, Any], plain: bool, warnings: list[str]) -> dict[str, Any]:
    return body if plain and not body.get("tools") else within_limits(body, warnings)


def _refuse_prefill(conversation: Conversation, call: ChatCall) -> None:
    """Refuse what newer models answer with 400: to continue an answer that the conversation has begun.

    https://platform.claude.com/docs/en/about-claude/models/migration-guide
    """
    if not conversation.turns or traits_of(call.ref.model).prefill:
        return
    content = conversation.turns[-1]["content"]
    begun = isinstance(content, str) or content[-1]["type"] == "text"
    if (
        begun
        and not isinstance(content, str)
        and any(block["type"] == "server_tool_use" for block in content)
    ):
        begun = False  # a turn that Anthropic has paused, and goes on with
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
