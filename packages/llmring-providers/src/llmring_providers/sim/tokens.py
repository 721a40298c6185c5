"""Token counts of a simulated model: not those of any real tokenizer, but always the same, and never zero."""

import msgspec

from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.script import Answer

BYTES_PER_TOKEN = 4
_PER_MESSAGE = 3


class Count(msgspec.Struct, kw_only=True, frozen=True):
    """All that is reported. ``prompt`` holds cache reads and writes, ``completion`` holds reasoning."""

    prompt: int
    completion: int
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.prompt + self.completion


def count(prompt: Prompt, answer: Answer, text: str) -> Count:
    """Count what the script does not say."""
    usage = answer.usage
    reasoning = usage.reasoning_tokens
    if reasoning is None:
        reasoning = tokens(answer.reasoning)
    completion = usage.completion_tokens
    if completion is None:
        called = sum(tokens(call.name) + tokens(call.arguments_text) for call in answer.tool_calls)
        completion = max(1, tokens(text) + called) + reasoning
    asked = usage.prompt_tokens
    if asked is None:
        asked = sum(tokens(turn.text) + _PER_MESSAGE for turn in prompt.turns)
        asked += sum(tokens(tool.name) + tokens(msgspec.json.encode(tool.schema)) for tool in prompt.tools)
        asked += usage.cache_read_input_tokens + usage.cache_creation_input_tokens
    return Count(
        prompt=asked,
        completion=completion,
        cache_read=usage.cache_read_input_tokens,
        cache_write=usage.cache_creation_input_tokens,
        reasoning=reasoning,
    )


def tokens(text: str | bytes) -> int:
    """Four bytes of UTF-8 are one token."""
    data = text.encode() if isinstance(text, str) else text
    return -(-len(data) // BYTES_PER_TOKEN)
