"""The fields of chat completions that we read. Hosts that copy the protocol leave out or null any of them.

https://platform.openai.com/docs/api-reference/chat/object
https://platform.openai.com/docs/api-reference/chat-streaming/streaming

``Any`` marks what is only kept, and extras of which a host may have its own idea: an odd one must not cost the answer.
"""

from typing import Any

import msgspec

from llmring_providers.openai.usage import Count


class PromptDetails(msgspec.Struct):
    cached_tokens: Count = None
    cache_write_tokens: Count = None


class CompletionDetails(msgspec.Struct):
    reasoning_tokens: Count = None


class WireUsage(msgspec.Struct):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None


class Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None
    """JSON text; some hosts send the object itself."""


class Custom(msgspec.Struct):
    name: str | None = None
    input: str | None = None


class Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None
    """Gemini's thought signature, where it speaks this protocol: https://ai.google.dev/gemini-api/docs/openai"""


class WireMessage(msgspec.Struct):
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


class FinishDetails(msgspec.Struct):
    """Stands in for ``finish_reason`` with the first vision models."""

    type: str | None = None


class Choice(msgspec.Struct):
    index: int | None = None
    message: WireMessage | None = None
    delta: WireMessage | None = None
    finish_reason: str | None = None
    finish_details: FinishDetails | None = None
    native_finish_reason: Any = None
    logprobs: Any = None
    content_filter_results: Any = None
    """Azure: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter"""
    usage: WireUsage | None = None
    """Moonshot's place for it."""
    error: Any = None


class Completion(msgspec.Struct):
    """A whole completion, or one chunk of it."""

    id: str | None = None
    object: str | None = None
    model: str | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    service_tier: Any = None
    system_fingerprint: Any = None
    moderation: Any = None
    prompt_filter_results: Any = None
    citations: Any = None
    search_results: Any = None
    error: Any = None


decode_completion = msgspec.json.Decoder(Completion).decode
