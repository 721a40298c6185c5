"""The neutral request as a body of Converse.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
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
from llmring_providers._json import encode_body
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.bedrock.inference import inference
from llmring_providers.bedrock.messages import Conversation, encode_conversation
from llmring_providers.bedrock.models import IDS, NAMES, claude_of, ids_for, rules_for
from llmring_providers.bedrock.parts import cache_point
from llmring_providers.bedrock.tools import STRICT, is_forced, tool_config

_FIT = Fit(whose="Bedrock", names=NAMES, ids=IDS, rules=rules_for, needs_turn=True, apart=True)


def path_of(model: str, operation: str) -> str:
    """Return the path of an operation on a model. The slashes of an ARN are encoded; colons stand as they are."""
    return f"/model/{quote(model, safe=':')}/{operation}"


def encode(call: ChatCall, *, stream: bool) -> WireRequest:
    """Translate the call.

    Raises:
        UnsupportedContentError: a part of it that Bedrock has no place for.
    """
    warnings: list[str] = []
    plain = are_plain(call.request.messages)
    fit = _FIT if plain else msgspec.structs.replace(_FIT, ids=ids_for(call))
    call = fitted(call, fit, warnings, plain=plain)
    request = call.request
    conversation = encode_conversation(call, warnings)
    if request.messages and not conversation.turns:
        raise UnsupportedContentError("no message says anything", provider=call.ref.provider, part="messages")
    _refuse_prefill(conversation, call)
    body: dict[str, Any] = {"messages": conversation.turns}
    tools = tool_config(call, conversation.called, warnings)
    form, words = _answer_format(call, warnings)
    if system := [*conversation.system, *words]:
        body["system"] = system
    if tools is not None:
        body["toolConfig"] = tools
    if form is not None:
        body["outputConfig"] = {"textFormat": form}
    barred = _thinking_barred(conversation, forced=is_forced(tools))
    inference(body, call, thinking_barred=barred, warnings=warnings)
    if request.cache:
        _cache(body, call, warnings)
    operation = "converse-stream" if stream else "converse"
    return WireRequest(
        path=path_of(call.ref.model, operation),
        body=encode_body(body, call, plain=plain),
        warnings=tuple(warnings),
    )


def _refuse_prefill(conversation: Conversation, call: ChatCall) -> None:
    """Refuse what newer models of Anthropic's answer with 400: to continue an answer that has begun."""
    claude = claude_of(call.ref.model)
    if claude is None or claude.prefill or not conversation.turns:
        return
    last = conversation.turns[-1]
    if last["role"] == "assistant" and "text" in last["content"][-1]:
        raise UnsupportedContentError(
            f"{call.ref} continues no begun answer; let the conversation end with a message of the user",
            provider=call.ref.provider,
            part="assistant",
        )


def _thinking_barred(conversation: Conversation, *, forced: bool) -> str | None:
    """Return why Anthropic's models would refuse a thinking budget here."""
    if forced:
        return "Anthropic takes no thinking budget together with a forced tool"
    if conversation.lacks_thinking:
        return "the calls just answered were made without thinking, and Anthropic starts none between them"
    return None


def _answer_format(
    call: ChatCall, warnings: list[str]
) -> tuple[Mapping[str, Any] | None, list[dict[str, Any]]]:
    """Return the format of a JSON answer, or a sentence for the system prompt where the model has none.

    https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
    """
    wanted = wanted_format(call)
    if wanted is None or wanted.get("type") == "text":
        return None, []
    if wanted.get("type") not in ("json_schema", "json_object"):
        raise unknown_format(wanted, call)
    schema = wanted_schema(wanted) if wanted["type"] == "json_schema" else None
    if schema is None:
        return None, [{"text": JSON_ALONE}]
    claude = claude_of(call.ref.model)
    if claude.json_schema if claude is not None else rules_for(call).answers != "text":
        found = in_dialect(schema, STRICT, call, answer=True)
        if not found.objections:
            definition = {"schema": bytes(found.json).decode()}
            inner = wanted.get("json_schema")
            if isinstance(inner, Mapping):
                definition |= {key: inner[key] for key in ("name", "description") if inner.get(key)}
            return {"type": "json_schema", "structure": {"jsonSchema": definition}}, []
        why = f"Bedrock's structured output cannot hold an answer to it ({found.objections[0]})"
    else:
        why = f"{call.ref} has no structured output"
    warnings.append(f"{why}: the schema was sent as part of the system prompt")
    return None, [{"text": schema_in_words(schema, call)}]


def _cache(body: dict[str, Any], call: ChatCall, warnings: list[str]) -> None:
    """Put a mark at the end of the prompt.

    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    cache: Mapping[str, Any] = call.request.cache or {}
    known = {name: cache[name] for name in ("type", "ttl") if cache.get(name) is not None}
    if known and rules_for(call).caches is False:
        warnings.append(f"cache was dropped: {call.ref} takes no marks for it")
    elif known and body["messages"]:
        body["messages"][-1]["content"].append(cache_point(known))
    warnings.extend(
        f"cache[{name!r}] has no effect on Bedrock, which takes 'type' and 'ttl'"
        for name in cache
        if name not in ("type", "ttl")
    )
