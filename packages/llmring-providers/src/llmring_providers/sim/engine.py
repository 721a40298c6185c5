"""From a request, the script and the number of the call to what happens on the wire: a pure function."""

import hashlib

import msgspec

from llmring_providers.sim import demo, faults
from llmring_providers.sim.damage import damaged
from llmring_providers.sim.dialect import Dialect, Reply
from llmring_providers.sim.plan import Plan, halves, paced
from llmring_providers.sim.prompt import Prompt
from llmring_providers.sim.script import Answer, Script
from llmring_providers.sim.tokens import count

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
    said = demo.answer(prompt)
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
