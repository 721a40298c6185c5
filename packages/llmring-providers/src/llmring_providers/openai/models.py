"""What a model's name tells where the registry says nothing.

https://platform.openai.com/docs/models
"""

import re

from llmring_providers._protocol import ChatCall

_REASONING_FAMILY = re.compile(r"o[1-9](?![a-z0-9])|gpt-(?:[5-9]|[1-9]\d)(?![a-z0-9])")
_ONLY_RESPONSES = re.compile(
    r"codex-|(?:o[1-9]|gpt-[\d.]+)-(?:pro|codex)(?![a-z])|.*deep-research|computer-use"
)


def in_reasoning_family(model: str) -> bool:
    """Whether the model is of a series that came with reasoning: its limit of output tokens has another name.

    ``gpt-5-chat-latest`` is in the family, though it does not reason.
    """
    return _REASONING_FAMILY.match(_bare(model)) is not None


def reasons(call: ChatCall) -> bool:
    """Whether the answer to this call may spend tokens on reasoning."""
    effort = call.request.reasoning_effort
    if effort is not None:
        return effort != "none"
    facts = call.facts
    if facts is not None and facts.reasoning is not None:
        return facts.reasoning
    return in_reasoning_family(call.ref.model) and "-chat" not in call.ref.model


def needs_responses(call: ChatCall) -> bool:
    """Whether OpenAI serves the model through the responses API alone."""
    facts = call.facts
    if facts is not None and facts.api is not None:
        return facts.api == "responses"
    # A name with a slash is another host's (``openai/o1-pro``), which brings every model through chat completions.
    return _ONLY_RESPONSES.match(call.ref.model) is not None


def _bare(model: str) -> str:
    """The name without another host's prefix (``openai/``) or that of a fine-tuned model (``ft:``)."""
    return model.rpartition("/")[2].removeprefix("ft:")
