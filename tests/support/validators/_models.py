"""Refusals by models of OpenAI, from its pages and the messages of its 400s, apart from the library's own table."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class Refused(NamedTuple):
    """Refusals by one family of models.

    Attributes:
        models: the names.
        efforts: the only efforts.
        sampling: ``never``, or ``reasoning``: only while it reasons.
        functions: on chat completions: ``never``, or ``reasoning``.
        unasked: whether it reasons without being asked to.
    """

    models: str
    efforts: tuple[str, ...]
    sampling: str | None = None
    functions: str | None = None
    unasked: bool = True


# https://developers.openai.com/api/docs/guides/reasoning and the pages of the models; on functions:
# https://github.com/openai/openai-openapi/issues/541
FAMILIES = (
    Refused(r"o[134](?:-mini|-pro)?(?:-20[\d-]+)?", ("low", "medium", "high"), "never"),
    Refused(r"gpt-5(?:-mini|-nano)?(?:-20[\d-]+)?", ("minimal", "low", "medium", "high"), "never"),
    Refused(r"gpt-5\.1(?:-20[\d-]+)?", ("none", "low", "medium", "high"), "reasoning", unasked=False),
    Refused(r"gpt-5\.2(?:-20[\d-]+)?", ("none", "low", "medium", "high", "xhigh"), "reasoning", unasked=False),
    Refused(r"gpt-5\.4(?:-mini|-nano)?(?:-20[\d-]+)?", ("none", "low", "medium", "high", "xhigh"), "reasoning", "reasoning", unasked=False),
    Refused(r"gpt-5\.5(?:-20[\d-]+)?", ("none", "low", "medium", "high", "xhigh"), "reasoning", "reasoning"),
    Refused(r"gpt-5\.6(?:-sol|-terra|-luna)?(?:-20[\d-]+)?", ("none", "low", "medium", "high", "xhigh", "max"), "reasoning", "reasoning"),
)  # fmt: skip
NO_SCHEMAS = r"gpt-3\.5-turbo.*|gpt-4(?:-\d{4}|-turbo.*)?|gpt-4o-2024-05-13"
"""https://platform.openai.com/docs/guides/structured-outputs#supported-models"""
_VERBOSE = r"gpt-5(?:\.[12])?-codex.*|gpt-5-chat.*|gpt-[34].*|o[134](?:-.*)?"
"""https://github.com/enricoros/big-AGI/issues/947: they take the medium verbosity alone."""
_IDS, _LONGEST = ("prompt_cache_key", "safety_identifier", "user"), 64
_SAMPLING = ("top_p", "logprobs")


def is_known(body: Mapping[str, Any]) -> bool:
    """Return whether the model is one of OpenAI's own."""
    return re.match(r"gpt-\d|o\d(?![a-z0-9])", str(body.get("model"))) is not None


def values(body: Mapping[str, Any], verbosity: str | None) -> Iterator[str]:
    """Return what OpenAI refuses of the values of parameters, whatever the API."""
    if not is_known(body):
        return
    yield from (f"{name} is too long" for name in _IDS if len(str(body.get(name) or "")) > _LONGEST)
    if verbosity not in (None, "medium") and re.fullmatch(_VERBOSE, str(body.get("model"))):
        yield f"Unsupported value: {verbosity!r}"


def openai_model(body: Mapping[str, Any], effort: str | None, *, chat: bool) -> Iterator[str]:
    """Return what the model of a body refuses of it."""
    model = str(body.get("model"))
    family = next((each for each in FAMILIES if re.fullmatch(each.models, model)), None)
    if family is None:
        return
    reasons = family.unasked if effort is None else effort != "none"
    if effort is not None and effort not in family.efforts:
        yield f"{model} has no effort {effort!r}"
    if family.sampling == "never" or (family.sampling == "reasoning" and reasons):
        yield from (f"{model} takes no {name}" for name in _SAMPLING if name in body)
        if body.get("temperature", 1) != 1:
            yield f"{model} takes no temperature"
    if chat and family.functions == "reasoning" and reasons and body.get("tools"):
        yield f"{model} takes no functions on chat completions while it reasons"
    if chat and "max_tokens" in body:
        yield f"{model} takes max_completion_tokens"
