"""Estimates of a request's tokens: rough, immediate, with no tokenizer and no network.

The figure is good to about a third for messages in a Latin script; what providers add of their own (instructions for
tools, results of their searches) is not in it. It serves to see what cannot fit; what is
billed, the provider counts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from llmring_types import LLMRequest, ModelFacts

__all__ = ["context_problem", "estimate_tokens", "fills_half", "text_tokens"]

# Four characters make a token of English, and so do they of most Latin text. A character that UTF-8 writes in three
# bytes (Chinese, Japanese, Korean) is about a token by itself, one in two bytes (Greek, Cyrillic) about half of one.
_CHARACTERS_PER_TOKEN = 4
_TOKENS_PER_EXTRA_BYTE = 0.375
_PER_MESSAGE = 4
_PER_TOOL = 8
# A picture is 85 (OpenAI's low detail), 258 (Gemini's tile) or up to 1,600 tokens (Anthropic, 1.15
# megapixels), whatever its bytes. https://platform.openai.com/docs/guides/images-vision
# https://ai.google.dev/gemini-api/docs/tokens https://platform.claude.com/docs/en/build-with-claude/vision
_PER_MEDIUM = 500
# A page of text and picture costs Anthropic's models 1,500 to 3,000 tokens
# (https://platform.claude.com/docs/en/build-with-claude/pdf-support) and is some 50 KB of PDF, 67 KB in base64.
_PER_PAGE = 2000
_BASE64_PER_PAGE = 67_000

_encode = msgspec.json.Encoder().encode


def context_problem(
    request: LLMRequest, facts: ModelFacts | None, *, counted: int | None = None, exact: int | None = None
) -> str | None:
    """Return why the request cannot fit the model, or ``None`` if it may, or if the model's limits are not known.

    The input limit of the published facts is, for many models, the context window less the longest answer. So room that
    this request does not ask for its answer counts as room for its input: only what surely is too long is a problem.

    Args:
        request: what is to be sent.
        facts: the model's; ``None`` where it is unknown.
        counted: input tokens that the provider has counted, if it has answered. Where they fill no more than half
            of the window, nothing is estimated: the estimate would be wrong. A model that cuts what is too
            long counts more.
        exact: input tokens that the provider counts for this request before it is sent, in place of the estimate.
    """
    if facts is None:
        return None
    longest, wanted = facts.max_output_tokens, request.max_tokens
    if longest is not None and wanted is not None and wanted > _unrounded(longest):
        return f"max_tokens is {wanted:,}, but {facts.provider}:{facts.model} answers with {longest:,} tokens at most"
    if facts.context_window is None:
        return None
    if counted is not None and counted * 2 <= facts.context_window:
        return None
    room = facts.context_window + max((longest or 0) - (wanted or 0), 0)
    tokens = estimate_tokens(request) if exact is None else exact
    if tokens > room:
        about = "about " if exact is None else ""
        return f"the request has {about}{tokens:,} tokens, but {facts.provider}:{facts.model} takes {room:,} at most"
    return None


def _unrounded(limit: int) -> int:
    """Return the most that a published limit may stand for: the registry writes 16,384 as 16,000."""
    return limit // 1000 * 1024 if limit % 1000 == 0 else limit


def fills_half(request: LLMRequest, facts: ModelFacts | None) -> bool:
    """Return whether the estimate fills more than half of the model's window: then it may be wrong about what fits."""
    window = facts.context_window if facts is not None else None
    return window is not None and estimate_tokens(request) * 2 > window


def estimate_tokens(request: LLMRequest) -> int:
    """Estimate the input tokens of a request: messages, tools, and the schema of the answer."""
    total: float = _PER_MESSAGE * len(request.messages)
    for message in request.messages:
        content = message.content
        total += text_tokens(content) if isinstance(content, str) else _parts_tokens(content or ())
        if message.tool_calls:
            total += _json_tokens(message.tool_calls)
    for tool in request.tools or ():
        total += _PER_TOOL + _json_tokens(tool)
    if isinstance(request.response_format, dict):
        total += _json_tokens(request.response_format)
    return round(total)


def text_tokens(text: str) -> float:
    """Estimate the tokens of a text."""
    tokens = len(text) / _CHARACTERS_PER_TOKEN
    if not text.isascii():
        tokens += (len(text.encode(errors="surrogatepass")) - len(text)) * _TOKENS_PER_EXTRA_BYTE
    return tokens


def _parts_tokens(parts: Iterable[Mapping[str, Any]]) -> float:
    tokens = 0.0
    for part in parts:
        kind = part["type"]
        if kind == "text":
            tokens += text_tokens(str(part.get("text", "")))
        elif "image" in kind or "audio" in kind:
            tokens += _PER_MEDIUM
        elif kind in ("document", "file"):
            tokens += _document_tokens(part)
        else:
            tokens += _json_tokens(part)
    return tokens


def _document_tokens(part: Mapping[str, Any]) -> float:
    """Estimate a document: its own text, or pages by the size of its data; one page where it is only pointed at."""
    source = part.get("source") or part.get("file") or {}
    data = source.get("data") or source.get("file_data") if isinstance(source, Mapping) else None
    if not isinstance(data, str):
        return _PER_PAGE
    media_type = str(source.get("media_type", "application/pdf"))
    if source.get("type") == "text":
        return text_tokens(data)
    if media_type.startswith("text/"):
        return len(data) * 3 / 4 / _CHARACTERS_PER_TOKEN
    return max(len(data) / _BASE64_PER_PAGE, 1) * _PER_PAGE


def _json_tokens(value: object) -> float:
    try:
        length = len(_encode(value))
    except (TypeError, ValueError):  # no JSON: whoever encodes the request says so, this only counts
        length = len(repr(value))
    return length / _CHARACTERS_PER_TOKEN
