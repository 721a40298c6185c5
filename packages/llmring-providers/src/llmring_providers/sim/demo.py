"""The demo model, used where no script sets an answer: texts and calls, counts of tokens, vectors and scores.

Counts are those of no real tokenizer, but always the same, and never zero. Vectors are always the same for the same
text, and alike for like words.
"""

import hashlib
import math
import re
from collections.abc import Sequence

import msgspec

from llmring_providers.sim.instance import instance
from llmring_providers.sim.prompt import Prompt, Tool
from llmring_providers.sim.script import Answer, Call

BYTES_PER_TOKEN = 4
_PER_MESSAGE = 3
_LENGTH = 32
"""Of a vector where nothing else is asked for."""
_WORD = re.compile(r"\w+")
_LONGEST_QUOTE = 160
_HOW_TO = (
    "To talk to a real model, set OPENAI_API_KEY, ANTHROPIC_API_KEY or GOOGLE_GEMINI_API_KEY, or run Ollama; "
    "then: llmring bind default provider:model"
)


def demo_answer(prompt: Prompt) -> Answer:
    """Answer as the demo model does.

    It calls the tools that it must call or that the user names, puts the results of tools into its text, returns a
    small valid instance where JSON is wanted, and heeds stop words and the limit of tokens.
    """
    calls = _calls(prompt)
    if calls:
        return Answer(text="", tool_calls=calls, reasoning=_reasoning(prompt))
    text, stop_word = _stopped(_json(prompt) if prompt.schema is not None else _words(prompt), prompt.stop)
    if prompt.max_tokens is not None and len(text.encode()) > prompt.max_tokens * BYTES_PER_TOKEN:
        text = text.encode()[: prompt.max_tokens * BYTES_PER_TOKEN].decode(errors="ignore")
        return Answer(text=text, finish="length", reasoning=_reasoning(prompt))
    return Answer(text=text, stop_word=stop_word, reasoning=_reasoning(prompt))


def _calls(prompt: Prompt) -> tuple[Call, ...]:
    """After a tool's result the model answers, even if it must call: a loop over tools would not end otherwise."""
    if not prompt.tools or prompt.forced is False or prompt.results:
        return ()
    if isinstance(prompt.forced, str):
        chosen = [tool for tool in prompt.tools if tool.name == prompt.forced]
    else:
        chosen = [tool for tool in prompt.tools if _named(tool, prompt.question)]
        if prompt.forced and not chosen:
            chosen = [prompt.tools[0]]
    if not prompt.parallel:
        chosen = chosen[:1]
    return tuple(Call(tool.name, instance({"type": "object", **tool.schema})) for tool in chosen)


def _named(tool: Tool, question: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(tool.name)}(?!\w)", question) is not None


def _json(prompt: Prompt) -> str:
    schema = prompt.schema or {"const": {"simulated": True, "text": _quote(prompt.question)}}
    return msgspec.json.encode(instance(schema)).decode()


def _words(prompt: Prompt) -> str:
    parts = [
        f"This is a simulated answer by the model “{prompt.model}” that is built into llmring; no real model was asked."
    ]
    if prompt.results:
        parts += [f"{turn.tool or 'The tool'} answered: {turn.text}" for turn in prompt.results]
    else:
        parts.append(f"You said: “{_quote(prompt.question)}”.")
    return "\n".join([" ".join(parts), _HOW_TO])


def _quote(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_QUOTE else text[:_LONGEST_QUOTE].rstrip() + " …"


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    ends = [(place, stop) for stop in stops if stop and (place := text.find(stop)) >= 0]
    if not ends:
        return text, None
    end, stop = min(ends)
    return text[:end], stop


def _reasoning(prompt: Prompt) -> str:
    return "A simulated model does not reason; this stands where reasoning would." if prompt.reasoning else ""


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


def vector(text: str, dimensions: int | None) -> list[float]:
    """Return a vector of length 1: the sum of one direction per word, so that texts with common words are near."""
    length = dimensions or _LENGTH
    total = [0.0] * length
    for word in _WORD.findall(text.lower()) or [text]:
        seed = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        for place in range(length):
            total[place] += seed[(place * 7 + place // 32) % 32] - 127.5
    size = math.hypot(*total) or 1.0
    return [round(number / size, 6) for number in total]


def scores(query: str, documents: Sequence[str]) -> list[float]:
    """Return the relevance of documents: the cosine of their vectors with that of the query, between 0 and 1."""
    asked = vector(query, None)
    return [
        round((1 + sum(one * other for one, other in zip(asked, vector(each, None), strict=True))) / 2, 6)
        for each in documents
    ]


def word_count(texts: Sequence[str]) -> int:
    """Return a plausible count of the tokens of texts to embed or to rank."""
    return sum(len(_WORD.findall(text)) + 1 for text in texts)
