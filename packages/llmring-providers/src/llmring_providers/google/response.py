"""A Gemini answer as the neutral response, with its token counts.

https://ai.google.dev/api/generate-content#UsageMetadata
"""

from collections.abc import Mapping
from typing import Any

from llmring_types import FinishReason, LLMResponse, Usage

from llmring_providers._billing import add_billing, count_of
from llmring_providers._fit.history import sealed
from llmring_providers._json import DECODE_ERRORS, malformed
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers.google.errors import bare_error, body_error
from llmring_providers.google.tools import ANSWER_TOOL, answer_text
from llmring_providers.google.wire import (
    Candidate,
    CandidateMetadata,
    FunctionCalls,
    Replay,
    Reply,
    decode_reply,
    is_plain_text,
)

FINISH: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "UNEXPECTED_TOOL_CALL": "error",
}
"""https://ai.google.dev/api/generate-content#FinishReason; ``other`` for OTHER, IMAGE_OTHER, NO_IMAGE and new ones."""

_FINISH_NUMBERS = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "IMAGE_SAFETY",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
)
"""The words where the answer was asked for with numbers (``$alt=json;enum-encoding=int``)."""
_DETAILS = tuple(f"{kind}TokensDetails" for kind in ("prompt", "candidates", "cache", "toolUsePrompt"))
_COUNTS = {f"{kind}TokenCount" for kind in ("prompt", "candidates", "thoughts", "cachedContent", "total")}
"""The fields that the neutral form holds whole."""
_USUAL = {"serviceTier": "standard", "trafficType": "ON_DEMAND"}
_STANDARD = frozenset({"standard", "ON_DEMAND", "TRAFFIC_TYPE_UNSPECIFIED", ""})
_TIERS = {"ON_DEMAND_FLEX": "flex", "ON_DEMAND_PRIORITY": "priority"}


def decode(body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:
    """Translate a whole answer.

    Raises:
        MalformedResponseError: it is not an answer of Gemini's.
        ProviderError: it is an error with status 200.
    """
    gathered = Gathered(call, wire)
    try:
        reply = decode_reply(body)
        text, reasoning = gathered.take(reply)
    except DECODE_ERRORS as error:
        raise malformed("the answer is not what the protocol says", call, error) from error
    if not reply.candidates and not gathered.over:
        raise bare_error(body, call) or malformed("the answer has no candidates", call)
    return LLMResponse(content=text, reasoning=reasoning or None, **gathered.closing())


class Gathered:
    """An answer as it comes, whole or event by event."""

    def __init__(self, call: ChatCall, wire: WireRequest) -> None:
        self._call = call
        self._answer_schema = wire.notes.get("answer_schema")
        self._calls = FunctionCalls(call)
        self._replay = Replay()
        self._metadata = CandidateMetadata()
        self._usage: dict[str, Any] = {}
        self._word: str | None = None
        self._answered = False
        self._feedback: dict[str, Any] | None = None
        self._model_status: Any = None
        self._model: str | None = None
        self._id: str | None = None

    @property
    def over(self) -> bool:
        """True if the model has finished, or the prompt was blocked."""
        return self._word is not None or self._blocked

    def take(self, reply: Reply) -> tuple[str, str]:
        """Take an answer or one event of it; return the text and the reasoning that it adds.

        Raises:
            ProviderError: it is an error.
            MalformedResponseError: a function call in it is not one.
            msgspec.ValidationError: the same.
        """
        if reply.error is not None and not reply.candidates:
            raise body_error(reply.error, self._call)
        if reply.usage_metadata is not None:
            self._add_usage(reply.usage_metadata)
        self._id = self._id or reply.response_id
        self._model = reply.model_version or self._model
        self._feedback = reply.prompt_feedback or self._feedback
        self._model_status = reply.model_status or self._model_status
        for candidate in reply.candidates or ():
            if not candidate.index:  # more than one candidate has no neutral form: the first is the answer
                return self._candidate(candidate)
        return "", ""

    def closing(self) -> dict[str, Any]:
        """Everything but text and reasoning."""
        calls = self._calls.so_far(self._id)
        return {
            "model": str(self._call.ref),
            "usage": usage_of(self._usage, searches=self._metadata.searches),
            "finish_reason": self._finish_reason(),
            "tool_calls": calls or None,
            "provider_finish_reason": self._word or self._block_reason,
            "provider_model": self._model,
            "response_id": self._id,
            "native": self._native(),
        }

    def _add_usage(self, said: dict[str, Any]) -> None:
        """Over a stream, the last value of each count holds."""
        if None in said.values():
            said = {name: value for name, value in said.items() if value is not None}
        self._usage.update(said)

    def _candidate(self, candidate: Candidate) -> tuple[str, str]:
        self._answered = True
        texts: list[str] = []
        thoughts: list[str] = []
        for part in (candidate.content.parts if candidate.content is not None else None) or ():
            text = part.get("text")
            if isinstance(text, str):
                thought = part.get("thought") is True
                (thoughts if thought else texts).append(text)
                if is_plain_text(part):
                    self._replay.text(text, thought=thought)
                elif "functionCall" in part:  # some hosts put an empty text beside it
                    self._function_call(part, texts)
                else:
                    self._replay.part(part)
            elif "functionCall" in part:
                self._function_call(part, texts)
            elif part:
                self._replay.part(part)
        word = candidate.finish_reason
        if word is not None:
            self._word = _finish_word(word)
            for whole in self._calls.finish(self._id):
                self._replay.part(whole)
        self._metadata.take(candidate)
        return "".join(texts), "".join(thoughts)

    def _function_call(self, part: dict[str, Any], texts: list[str]) -> None:
        function = part["functionCall"]
        if (
            self._answer_schema is not None
            and isinstance(function, dict)
            and function.get("name") == ANSWER_TOOL
        ):
            text = answer_text(function.get("args") or {}, self._answer_schema)
            texts.append(text)
            self._replay.text(text, thought=False)
            return
        for whole in self._calls.take(part, self._id):
            self._replay.part(whole)

    def _finish_reason(self) -> FinishReason | None:
        if self._word is None:
            return "content_filter" if self._blocked else None
        found = FINISH.get(self._word, "other")
        return "tool_calls" if found == "stop" and self._calls.calls else found

    @property
    def _blocked(self) -> bool:
        """Only a blocked prompt has no candidates but a feedback, which may leave its reason out."""
        return self._block_reason is not None or (bool(self._feedback) and not self._answered)

    @property
    def _block_reason(self) -> str | None:
        """https://ai.google.dev/api/generate-content#PromptFeedback"""
        reason = self._feedback.get("blockReason") if self._feedback else None
        return None if reason is None else str(reason)

    def _native(self) -> dict[str, Any] | None:
        said = {
            "replay": self._replay.parts(),
            "promptFeedback": self._feedback,
            "modelStatus": self._model_status,
            "usageMetadata": unusual(self._usage),
        }
        kept = {name: value for name, value in said.items() if value} | self._metadata.said()
        return {"provider": self._call.ref.provider, **sealed(kept, self._call)} if kept else None


def _finish_word(word: str | int) -> str:
    if isinstance(word, str):
        return word
    return _FINISH_NUMBERS[word] if 0 <= word < len(_FINISH_NUMBERS) else str(word)


def usage_of(said: Mapping[str, Any], *, searches: int = 0) -> Usage | None:
    """Count results of hosted tools as input and thoughts as output; Gemini counts both apart."""
    if not said:
        return None
    usage = _counts(said)
    if not searches and _COUNTS.issuperset(said):
        return usage
    return add_billing(usage, tier=_tier(said), searches=searches)


def _counts(said: Mapping[str, Any]) -> Usage | None:
    usage: Usage = {}
    count = said.get
    prompt, total = count_of(count("promptTokenCount")), count_of(count("totalTokenCount"))
    candidates, thoughts = count_of(count("candidatesTokenCount")), count_of(count("thoughtsTokenCount"))
    if prompt is not None:
        usage["prompt_tokens"] = prompt + (count_of(count("toolUsePromptTokenCount")) or 0)
    if candidates is not None or thoughts is not None:
        usage["completion_tokens"] = (candidates or 0) + (thoughts or 0)
    elif prompt is not None and total == usage["prompt_tokens"]:
        usage["completion_tokens"] = 0  # an answer without output leaves the count out
    if total is not None:
        usage["total_tokens"] = total
    elif "prompt_tokens" in usage and "completion_tokens" in usage:
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    cached = count_of(count("cachedContentTokenCount"))
    if cached is not None:
        usage["cache_read_input_tokens"] = cached
    if thoughts is not None:
        usage["reasoning_tokens"] = thoughts
    return usage or None


def _tier(said: Mapping[str, Any]) -> str | None:
    """Return the tier of service, unless it is the standard one.

    https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse#TrafficType
    """
    for name in _USUAL:
        if isinstance(tier := said.get(name), str) and tier not in _STANDARD:
            return _TIERS.get(tier, tier.lower())
    return None


def unusual(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the usage fields that the neutral form has no place for.

    Other modalities than text and tiers of service change its price; tokens of hosted tools are part of the input.
    """
    if _COUNTS.issuperset(said):
        return {}
    kept: dict[str, Any] = {
        name: said[name] for name, usual in _USUAL.items() if said.get(name) not in (None, usual)
    }
    for name in _DETAILS:
        details = said.get(name)
        if isinstance(details, list) and not all(map(_is_text, details)):
            kept[name] = details
    if tools := said.get("toolUsePromptTokenCount"):
        kept["toolUsePromptTokenCount"] = tools
    return kept


def _is_text(detail: Any) -> bool:
    return isinstance(detail, dict) and detail.get("modality") in ("TEXT", 1)
