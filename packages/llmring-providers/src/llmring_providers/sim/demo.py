"""The demo model: what is answered where no script says anything."""

import re

import msgspec

from llmring_providers.sim.instance import instance
from llmring_providers.sim.prompt import Prompt, Tool
from llmring_providers.sim.script import Answer, Call
from llmring_providers.sim.tokens import BYTES_PER_TOKEN

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
