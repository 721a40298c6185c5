"""Fields beyond the neutral form, gathered over a stream."""

from typing import Any

from llmring_providers._pieces import Pieces, extended
from llmring_providers.openai.chat.wire import Choice, Completion, WireMessage
from llmring_providers.openai.usage import unusual

IDENTITY_EXTRAS = ("system_fingerprint", "service_tier", "upstream")
"""Every chunk of a stream says them."""
COMPLETION_EXTRAS = (
    "moderation",
    "prompt_filter_results",
    "citations",
    "search_results",
    "related_questions",
    "images",
    "usage_breakdown",
    "x_groq",
    "timings",
    "time_info",
)
CHOICE_EXTRAS = ("logprobs", "content_filter_results", "native_finish_reason", "stop_reason")
MESSAGE_EXTRAS = ("annotations", "images", "reasoning_details", "audio", "executed_tools", "context")

_FRAGMENTS = {"reasoning.text": "text", "reasoning.summary": "summary"}


def all_extras(completion: Completion, choice: Choice, message: WireMessage, usage: Any) -> dict[str, Any]:
    """Return what a whole answer says."""
    said: dict[str, Any] = {}
    replace(said, IDENTITY_EXTRAS, completion)
    if completion.has_extras():
        replace(said, COMPLETION_EXTRAS, completion)
    if choice.has_extras():
        gather(said, CHOICE_EXTRAS, choice)
    if message.has_extras():
        gather(said, MESSAGE_EXTRAS, message)
    if rest := unusual(usage):
        said["usage"] = rest
    return said


def usage_extras(usage: Any) -> dict[str, Any]:
    """Return what the usage says beyond the neutral counts, under its own name."""
    rest = unusual(usage)
    return {"usage": rest} if rest else {}


def replace(said: dict[str, Any], names: tuple[str, ...], source: Completion) -> None:
    """Take what one chunk says of the whole answer: it holds until another one says it."""
    for name in names:
        if value := getattr(source, name):
            said[name] = value


def gather(said: dict[str, Any], names: tuple[str, ...], source: Choice | WireMessage) -> None:
    """Add what one piece says to what was said before."""
    for name in names:
        if value := getattr(source, name):
            _add(said, name, value)


def _add(whole: dict[str, Any], name: str, piece: Any) -> None:
    """Put pieces of lists and objects together; of an audio answer, the text and the sound too."""
    there = whole.get(name)
    if isinstance(there, list) and isinstance(piece, list):
        for item in piece:
            if name != "reasoning_details" or not _continues(there, item):
                there.append(item)
    elif isinstance(there, dict) and isinstance(piece, dict):
        for inner, value in piece.items():
            _add(there, inner, value)
    elif isinstance(there, (str, Pieces)) and isinstance(piece, str) and name in ("transcript", "data"):
        whole[name] = extended(there, piece)
    elif piece is not None or there is None:
        whole[name] = piece


def _continues(details: list[Any], piece: Any) -> bool:
    """Add to the last block of reasoning the text that goes on with it, if it does.

    OpenRouter streams a block word by word and takes it back only whole; its signature comes last and ends it.
    https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
    """
    last = details[-1] if details else None
    if not isinstance(last, dict) or not isinstance(piece, dict):
        return False
    text = _FRAGMENTS.get(str(piece.get("type")))
    if text is None or any(last.get(name) != piece.get(name) for name in ("type", "index")):
        return False
    if (last.get("signature") and piece.get(text)) or _differ(last.get("id"), piece.get("id")):
        return False
    said = {name: value for name, value in piece.items() if value is not None and name != text}
    last.update(said)
    there = last.get(text) or ""
    last[text] = extended(there if isinstance(there, Pieces) else str(there), str(piece.get(text) or ""))
    return True


def _differ(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one != other
