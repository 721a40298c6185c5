"""The fields of chat completions that we read. Hosts that copy the protocol leave out or null any of them.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming/streaming

``Any`` marks what is only kept, and extras of which a host may have its own idea: an odd one must not cost the answer.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from llmring_providers._pieces import Pieces, extended
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


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None
    """JSON text; some hosts send the object itself."""


class Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    index: int | float | str | None = None
    """A number; some hosts write it as text or with a point."""
    id: str | int | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None
    """Gemini's thought signature, where it speaks this protocol: https://ai.google.dev/gemini-api/docs/openai"""


class WireMessage(msgspec.Struct, gc=False):
    """A whole message, or what a chunk adds to it."""

    content: str | list[Any] | None = None
    refusal: str | None = None
    reasoning_content: Any = None
    """DeepSeek, vLLM, llama.cpp."""
    reasoning: Any = None
    """OpenRouter, Ollama, newer vLLM."""
    reasoning_details: Any = None
    """OpenRouter: https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks"""
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    annotations: Any = None
    audio: Any = None
    images: Any = None
    executed_tools: Any = None
    """Tools that Groq ran itself: https://console.groq.com/docs/compound"""
    context: Any = None
    """Azure's citations of the user's own data: https://learn.microsoft.com/azure/ai-foundry/openai/references/on-your-data"""

    def text_alone(self) -> str | None:
        """The text, if nothing else is there, as in nearly every piece of a stream; else ``None``."""
        beyond = (
            self.refusal or self.reasoning_content or self.reasoning or self.tool_calls or self.function_call
        )
        return self.content if isinstance(self.content, str) and not (beyond or self.has_extras()) else None

    def has_extras(self) -> Any:
        """Something true if any of ``MESSAGE_EXTRAS`` is there."""
        return (
            self.annotations
            or self.images
            or self.reasoning_details
            or self.audio
            or self.executed_tools
            or self.context
        )


class FinishDetails(msgspec.Struct):
    """Stands in for ``finish_reason`` with the first vision models."""

    type: str | None = None


class Choice(msgspec.Struct, gc=False):
    index: int | float | str | None = None
    message: WireMessage | None = None
    delta: WireMessage | None = None
    text: Any = None
    """In place of a message, as the older completions have it."""
    finish_reason: str | None = None
    finish_details: FinishDetails | None = None
    native_finish_reason: Any = None
    logprobs: Any = None
    content_filter_results: Any = None
    """Azure: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter"""
    stop_reason: Any = None
    """vLLM: the stop word that was met."""
    usage: Any = None
    """Moonshot's place for it."""
    error: Any = None

    def has_extras(self) -> Any:
        """Something true if any of ``CHOICE_EXTRAS`` is there."""
        return self.logprobs or self.content_filter_results or self.native_finish_reason or self.stop_reason


class Completion(msgspec.Struct, gc=False):
    """A whole completion, or one chunk of it."""

    id: str | int | None = None
    object: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Any = None
    cost: Any = None
    """Venice's price of the call, beside the counts."""
    service_tier: Any = None
    system_fingerprint: Any = None
    upstream: Any = msgspec.field(default=None, name="provider")
    """The host that answered behind OpenRouter."""
    moderation: Any = None
    prompt_filter_results: Any = None
    citations: Any = None
    search_results: Any = None
    related_questions: Any = None
    images: Any = None
    """The last four are Perplexity's: https://docs.perplexity.ai/api-reference/chat-completions-post"""
    usage_breakdown: Any = None
    x_groq: Any = None
    """Groq's place for the usage of a stream, and for an error in it: https://console.groq.com/docs/api-reference"""
    timings: Any = None
    """llama.cpp."""
    time_info: Any = None
    """Cerebras."""
    error: Any = None

    def counts(self) -> Any:
        """The object that counts the tokens, with the price that stands beside it."""
        if self.cost is not None and isinstance(self.usage, dict):
            return {"cost": self.cost, **self.usage}
        return self.usage

    def has_extras(self) -> Any:
        """Something true if any of ``COMPLETION_EXTRAS`` is there."""
        return (
            self.moderation
            or self.prompt_filter_results
            or self.citations
            or self.search_results
            or self.related_questions
            or self.images
            or self.usage_breakdown
            or self.x_groq
            or self.timings
            or self.time_info
        )


decode_completion = msgspec.json.Decoder(Completion).decode


def parts_text(parts: Iterable[Any]) -> str:
    """Return the text of parts, thinking and other kinds left out."""
    return "".join(map(part_text, parts))


def part_text(part: Any) -> str:
    """Return the text of a part; one of another kind has none."""
    if not isinstance(part, dict) or part.get("type", "text") not in ("text", "output_text"):
        return ""
    text = part.get("text")
    return text if isinstance(text, str) else ""


def have_extras(parts: Iterable[Any]) -> bool:
    """Return whether these are parts, and say more than their text."""
    kinds = {part.get("type") if isinstance(part, dict) else None for part in parts}
    return not kinds <= {"text"} and all(isinstance(kind, str) for kind in kinds)


def gather_parts(parts: list[Any], content: str | list[Any] | None) -> None:
    """Add the content of one chunk of a stream; pieces of one text or thought are one part again, once joined."""
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    for piece in content or ():
        if not _continues_part(parts, piece):
            parts.append(piece)


def _continues_part(parts: list[Any], piece: Any) -> bool:
    last = parts[-1] if parts else None
    if not isinstance(last, dict) or not isinstance(piece, dict) or last.get("type") != piece.get("type"):
        return False
    rest = {name: value for name, value in piece.items() if name not in ("text", "thinking")}
    if isinstance(last.get("text"), (str, Pieces)) and isinstance(piece.get("text"), str):
        last.update(rest, text=extended(last["text"], piece["text"]))
        return True
    thoughts = last.get("thinking")
    if not isinstance(thoughts, list) or not isinstance(piece.get("thinking"), list):
        return False
    gather_parts(thoughts, piece["thinking"])
    last.update(rest)
    return True


def all_extras(completion: Completion, choice: Choice, message: WireMessage, usage: Any) -> dict[str, Any]:
    """Return the fields of a whole answer beyond the neutral form."""
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
    """Add the fields of one piece to those gathered before."""
    for name in names:
        if value := getattr(source, name):
            _add(said, name, value)


def _add(whole: dict[str, Any], name: str, piece: Any) -> None:
    """Put pieces of lists and objects together; of an audio answer, the text and the sound too."""
    there = whole.get(name)
    if isinstance(there, list) and isinstance(piece, list):
        for item in piece:
            if name != "reasoning_details" or not _continues_reasoning(there, item):
                there.append(item)
    elif isinstance(there, dict) and isinstance(piece, dict):
        for inner, value in piece.items():
            _add(there, inner, value)
    elif isinstance(there, (str, Pieces)) and isinstance(piece, str) and name in ("transcript", "data"):
        whole[name] = extended(there, piece)
    elif piece is not None or there is None:
        whole[name] = piece


def _continues_reasoning(details: list[Any], piece: Any) -> bool:
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
