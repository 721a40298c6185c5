"""A simulated host without its sockets: it takes requests as bytes, numbers them, and plans what happens."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping

import msgspec

from llmring_providers.sim import faults
from llmring_providers.sim.damage import damaged
from llmring_providers.sim.dialect import Dialect, Reply
from llmring_providers.sim.instance import instance
from llmring_providers.sim.plan import Plan, halves, paced
from llmring_providers.sim.prompt import Prompt, Tool, UnreadablePromptError
from llmring_providers.sim.protocols import chat_dialect, models_dialect
from llmring_providers.sim.script import Answer, Call, Script
from llmring_providers.sim.tokens import BYTES_PER_TOKEN, count
from llmring_providers.transport import HttpRequest

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


_JSON = "application/json"


def plan(dialect: Dialect, prompt: Prompt, script: Script, number: int) -> Plan:
    """Return what happens to the call of this number."""
    rule = script.rule(prompt, number)
    seed = _seed(prompt, number)
    fault = rule.fault
    if isinstance(fault, faults.ErrorEvent) and not prompt.stream:
        fault = faults.Status(status=fault.status, message=fault.message)
    answer = rule.answer or Answer()
    if isinstance(fault, faults.Status):
        return _rejection(dialect, fault, seed, wait=answer.latency)
    answer = _spoken(answer, prompt)
    reply = _reply(answer, prompt, seed)
    headers = {**dialect.headers(seed), "content-type": dialect.stream_type if prompt.stream else _JSON}
    if prompt.stream:
        steps, length = dialect.events(prompt, reply), None
    else:
        body = dialect.whole(prompt, reply)
        steps, length = halves(body), len(body)
    intact = Plan(status=200, headers=headers, wait=answer.latency, steps=tuple(steps), length=length)
    played = intact if fault is None else damaged(intact, fault, dialect)
    return paced(played, answer.pace) if answer.pace and prompt.stream else played


def refusal(dialect: Dialect, status: int, message: str) -> Plan:
    """Return what happens to a request that a real provider would not take."""
    return _rejection(dialect, faults.Status(status=status, message=message), "0" * 32)


def _rejection(dialect: Dialect, fault: faults.Status, seed: str, *, wait: float = 0.0) -> Plan:
    headers = {**dialect.headers(seed), "content-type": _JSON}
    if fault.retry_after is not None and not dialect.wait_in_body:
        headers["retry-after"] = f"{fault.retry_after:g}"
    if fault.body is None:
        body = dialect.error(fault.status, fault.message, fault.retry_after)
    else:
        headers["content-type"] = "text/plain"
        body = fault.body.encode()
    return Plan(status=fault.status, headers=headers, wait=wait, steps=(body,), length=len(body))


def _spoken(answer: Answer, prompt: Prompt) -> Answer:
    """Let the demo model say what the script leaves open."""
    if answer.json is not msgspec.UNSET:
        return msgspec.structs.replace(answer, text=msgspec.json.encode(answer.json).decode())
    if answer.text is not None or answer.tool_calls:
        return answer
    said = demo_answer(prompt)
    return msgspec.structs.replace(
        answer,
        text=said.text,
        tool_calls=said.tool_calls,
        reasoning=answer.reasoning or said.reasoning,
        finish=answer.finish or said.finish,
        stop_word=answer.stop_word or said.stop_word,
    )


def _reply(answer: Answer, prompt: Prompt, seed: str) -> Reply:
    text = answer.text or ""
    return Reply(
        seed=seed,
        text=text,
        reasoning=answer.reasoning,
        calls=answer.tool_calls,
        finish=answer.finish or ("tool_calls" if answer.tool_calls else "stop"),
        stop_word=answer.stop_word,
        count=count(prompt, answer, text),
        size=max(1, answer.chunk_size),
    )


def _seed(prompt: Prompt, number: int) -> str:
    return hashlib.blake2b(msgspec.json.encode([prompt, number]), digest_size=16).hexdigest()


class Simulation:
    """Answers requests by a script. With another script, calls are numbered from 1 again."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._calls: Counter[tuple[str, str]] = Counter()

    @property
    def script(self) -> Script:
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = script
        self._calls.clear()

    def plan(self, request: HttpRequest) -> tuple[Plan, Prompt | None]:
        """Return what happens to this request, and what was read of it where it is a chat call.

        The URL may be absolute or only path and query; header names are in lower case.
        """
        if request.method == "GET":
            return self._listing(request.url, request.headers), None
        dialect = chat_dialect(request.url) if request.method == "POST" else None
        if dialect is None:
            return _whole(404, b"the simulator has no such path", "text/plain"), None
        try:
            prompt = dialect.read(request.url, request.body)
            return self._chat(dialect, prompt), prompt
        except (msgspec.DecodeError, UnicodeDecodeError, UnreadablePromptError) as error:
            return refusal(dialect, 400, str(error)), None

    def _chat(self, dialect: Dialect, prompt: Prompt) -> Plan:
        call = (prompt.protocol, prompt.model)
        self._calls[call] += 1
        return plan(dialect, prompt, self._script, self._calls[call])

    def _listing(self, url: str, headers: Mapping[str, str]) -> Plan:
        dialect = models_dialect(url, headers)
        if dialect is None:
            return _whole(404, b"the simulator has no such path", "text/plain")
        return _whole(200, dialect.models(self._script.models), "application/json")


def _whole(status: int, body: bytes, media_type: str) -> Plan:
    return Plan(status=status, headers={"content-type": media_type}, steps=(body,), length=len(body))
