"""What a model's name tells where the registry says nothing.

https://platform.openai.com/docs/models
"""

import re
from functools import lru_cache

from llmring_providers._names import NameRule
from llmring_providers._protocol import ChatCall

NAMES = NameRule(taken=re.compile(r"[a-zA-Z0-9_-]{1,64}"))
"""Of functions: https://platform.openai.com/docs/api-reference/chat/create#chat_create-tools"""

_REASONING_FAMILY = re.compile(r"o[1-9](?![a-z0-9])|gpt-(?:[5-9]|[1-9]\d)(?![a-z0-9])")
# Of 121 recorded calls without an effort, 116 cost no reasoning and 5 about twenty tokens.
_WHEN_TOLD = re.compile(r"gpt-5\.4(?:-mini|-nano)?(?:-20\d\d-\d\d-\d\d)?")
_OWN_MODEL = re.compile(r"(?:ft:)?(?:gpt-\d|o\d(?![a-z0-9])|chatgpt-|codex-)")
_VERSION = re.compile(r"gpt-(\d+)(?:\.(\d+))?(?![\d.])(?!.*-chat)")
_REASONING_WHEN_TOLD, _REASONING_UNASKED = (5, 4), (5, 5)
_LOOPBACK = ("127.", "localhost", "[::1]")
_OWN_HOST = re.compile(
    r"(?:[\w-]+\.)?api\.openai\.com|.*\.(?:openai|services\.ai|cognitiveservices)\.azure\.com|(?:127\..*|localhost|\[::1\])(?::\d+)?"
)
_KEPT = 256
"""Names whose reading is kept."""
_NO_SCHEMAS = re.compile(
    r"gpt-3\.5.*|gpt-4(?:-\d{4}|-32k.*|-turbo.*|-vision.*|-1106.*|-0125.*)?(?:-preview)?|gpt-4o-2024-05-13|o1-(?:mini|preview).*"
)
_NO_JSON = re.compile(
    r"gpt-4(?:-0\d{3}|-32k.*)?|gpt-3\.5-turbo-(?:instruct|0301|0613|16k).*|o1-(?:mini|preview).*"
)
_ONLY_RESPONSES = re.compile(
    r"codex-|(?:o[1-9]|gpt-[\d.]+)-(?:pro|codex)(?![a-z])|.*deep-research|computer-use"
)


@lru_cache(_KEPT)
def in_reasoning_family(model: str) -> bool:
    """Whether the model is of a series that came with reasoning: its limit of output tokens has another name.

    ``gpt-5-chat-latest`` is in the family, though it does not reason.
    """
    return _REASONING_FAMILY.match(_bare(model)) is not None


def takes_effort(call: ChatCall) -> bool:
    """Whether the model may be told how much to reason: all but those that are known not to reason.

    Newer models of the families reason only when told to, so a registry may well say that they do not.
    """
    facts = call.facts
    return facts is None or facts.reasoning is not False or in_reasoning_family(call.ref.model)


def spends_on_reasoning(call: ChatCall) -> bool:
    """Whether the answer to this call may cost tokens for reasoning."""
    effort, facts = call.request.reasoning_effort, call.facts
    if effort is not None and takes_effort(call):
        return effort != "none"
    if _reasons_when_told(call.ref.model) and not (facts and facts.min_reasoning_tokens):
        return False
    if facts is not None and facts.reasoning is not None:
        return facts.reasoning
    return _can_reason(call.ref.model)


def encrypts_reasoning(call: ChatCall) -> bool:
    """Whether the model may be asked for its reasoning in encrypted form; models that never reason refuse it."""
    facts = call.facts
    return _can_reason(call.ref.model) or (
        facts is not None and facts.reasoning is True and not in_reasoning_family(call.ref.model)
    )


def is_own_host(call: ChatCall) -> bool:
    """Tell whether the call goes to OpenAI itself, or to Azure, which serves the same models by the same rules.

    A loopback address counts too: with one of OpenAI's models it is a proxy, a recorder or a simulator in its place.
    """
    host = call.host
    return host is None or _OWN_HOST.fullmatch(host) is not None


def is_own_model(call: ChatCall) -> bool:
    """Tell whether the name is one of OpenAI's own, without the prefix of another host."""
    return _OWN_MODEL.match(call.ref.model) is not None


def form_of_json(model: str) -> str:
    """Return the strongest format of JSON answers that a model takes: ``json_schema``, ``json_object`` or ``text``.

    https://platform.openai.com/docs/guides/structured-outputs#supported-models
    """
    bare = _bare(model)
    if _NO_SCHEMAS.fullmatch(bare) is None:
        return "json_schema"
    return "text" if _NO_JSON.fullmatch(bare) else "json_object"


def needs_responses(call: ChatCall) -> bool:
    """Tell whether OpenAI serves the call through the responses API alone."""
    facts = call.facts
    if facts is not None and facts.api == "responses":
        return True
    if _refuses_functions(call) or (_has_media_in_results(call) and is_real_openai(call)):
        return True
    if facts is not None and facts.api is not None:
        return False
    # A name with a slash is another host's (``openai/o1-pro``), which brings every model through chat completions.
    return _ONLY_RESPONSES.match(call.ref.model) is not None


def _refuses_functions(call: ChatCall) -> bool:
    """Tell whether chat completions refuse the functions: from 5.4 on with an effort, from 5.5 on without one as well.

    https://github.com/openai/openai-openapi/issues/541 has the refusal: "Please use /v1/responses instead".
    """
    request = call.request
    effort = request.reasoning_effort or request.extra_params.get("reasoning_effort")
    if not request.tools or effort == "none" or not is_own_host(call):
        return False
    found = _VERSION.match(call.ref.model)
    version = (int(found[1]), int(found[2] or 0)) if found is not None else (0, 0)
    return version >= _REASONING_UNASKED or (version == _REASONING_WHEN_TOLD and effort is not None)


def is_real_openai(call: ChatCall) -> bool:
    """Tell whether OpenAI or Azure answer, not something in their place, and have all that they have."""
    return (
        call.host is not None
        and is_own_host(call)
        and not call.host.startswith(_LOOPBACK)
        and is_own_model(call)
    )


def _has_media_in_results(call: ChatCall) -> bool:
    return any(
        message.role == "tool"
        and isinstance(message.content, list)
        and any(part["type"] not in ("text", "refusal") for part in message.content)
        for message in call.request.messages
    )


@lru_cache(_KEPT)
def _reasons_when_told(model: str) -> bool:
    return _WHEN_TOLD.fullmatch(_bare(model)) is not None


def _can_reason(model: str) -> bool:
    return in_reasoning_family(model) and "-chat" not in model


def _bare(model: str) -> str:
    """The name without another host's prefix (``openai/``) or that of a fine-tuned model (``ft:``)."""
    return model.rpartition("/")[2].removeprefix("ft:")
