"""A simulated host without its sockets: it takes requests as bytes, numbers them, and plans what happens."""

import base64
import hashlib
from collections import Counter
from typing import Any

import msgspec
from llmring_types import LLMResponse, StreamChunk, Usage, tool_call
from llmring_types.exceptions import (
    LLMRingError,
    ProviderRateLimitError,
    ProviderServerError,
    ValidationError,
)

from llmring_providers._errors import error_type
from llmring_providers.hosting import CODECS, Codec, HostedRequest, Route, Stamp, find_route
from llmring_providers.hosting.embeddings import (
    HostedTexts,
    read_embedding,
    write_embedding,
    write_ranking,
)
from llmring_providers.sim import batch_forms, faults
from llmring_providers.sim.batches import BatchReply, HostedBatches
from llmring_providers.sim.demo import count, demo_answer, scores, vector, word_count
from llmring_providers.sim.files import HostedFiles
from llmring_providers.sim.plan import Plan, damaged, halves, paced
from llmring_providers.sim.prompt import Prompt, UnreadablePromptError, prompt_of
from llmring_providers.sim.script import Answer, Script
from llmring_providers.transport import HttpRequest

_JSON = "application/json"
_CREATED = 1_767_225_600
"""Time stamp of every simulated answer, in seconds: 2026-01-01. A clock would make answers differ."""


def plan(asked: HostedRequest, prompt: Prompt, script: Script, number: int) -> Plan:
    """Return what happens to the call of this number."""
    codec = CODECS[asked.route.protocol]
    rule = script.rule(prompt, number)
    seed = _seed(prompt, number)
    fault = rule.fault
    if isinstance(fault, faults.ErrorEvent) and not asked.stream:
        fault = faults.Status(status=fault.status, message=fault.message)
    answer = rule.answer or Answer()
    if isinstance(fault, faults.Status):
        return _rejection(codec, fault, seed, wait=answer.latency)
    answer = _spoken(answer, prompt)
    exchange = _Exchange(codec, asked, _response(answer, prompt, codec), answer, seed)
    headers = {codec.request_id_header: f"req_{seed}", "content-type": _JSON}
    if asked.stream:
        headers["content-type"] = codec.stream_type(asked)
        steps, length = exchange.events(), None
    else:
        body = exchange.whole()
        steps, length = halves(body), len(body)
    intact = Plan(status=200, headers=headers, wait=answer.latency, steps=tuple(steps), length=length)
    played = intact if fault is None else damaged(intact, fault, exchange.failing)
    return paced(played, answer.pace) if answer.pace and asked.stream else played


class _Exchange:
    """One answer, to be written in the protocol of its request."""

    def __init__(
        self, codec: Codec, asked: HostedRequest, response: LLMResponse, answer: Answer, seed: str
    ) -> None:
        self._codec = codec
        self._asked = asked
        self._response = response
        self._size = max(1, answer.chunk_size)
        signature = base64.b64encode(seed.encode()).decode()
        self._stamp = Stamp(seed=seed, created=_CREATED, piece=self._size, signature=signature)

    def whole(self) -> bytes:
        return self._codec.write(self._response, self._asked, self._stamp)

    def events(self) -> list[bytes]:
        writer = self._codec.stream_writer(self._asked, self._stamp)
        return [event for chunk in self._chunks() for event in writer.write(chunk)]

    def failing(self, after: int, fault: faults.ErrorEvent) -> bytes:
        """Return the error event that comes after so many events."""
        writer = self._codec.stream_writer(self._asked, self._stamp)
        written = 0
        for chunk in self._chunks()[:-1]:
            if written >= after:
                break
            written += len(writer.write(chunk))
        return b"".join(writer.fail(_error(fault.status, fault.message, None)))

    def _chunks(self) -> list[StreamChunk]:
        response, model = self._response, self._response.model
        said = [StreamChunk(model=model, reasoning=piece) for piece in self._cut(response.reasoning or "")]
        said += [StreamChunk(model=model, delta=piece) for piece in self._cut(response.content)]
        last = StreamChunk(
            model=model,
            finish_reason=response.finish_reason,
            usage=response.usage,
            tool_calls=response.tool_calls,
            native=response.native,
        )
        chunks = [*said, last]
        chunks[
            0
        ].usage = response.usage  # what was asked is counted from the start, by those that say so early
        return chunks

    def _cut(self, text: str) -> list[str]:
        return [text[start : start + self._size] for start in range(0, len(text), self._size)]


def refusal(codec: Codec, status: int, message: str) -> Plan:
    """Return what happens to a request that a real provider would not take."""
    return _rejection(codec, faults.Status(status=status, message=message), "0" * 32)


def _rejection(codec: Codec, fault: faults.Status, seed: str, *, wait: float = 0.0) -> Plan:
    written = codec.error(_error(fault.status, fault.message, fault.retry_after))
    headers, body = {codec.request_id_header: f"req_{seed}", **written.headers}, written.body
    if fault.body is not None:
        headers["content-type"] = "text/plain"
        body = fault.body.encode()
    return Plan(status=fault.status, headers=headers, wait=wait, steps=(body,), length=len(body))


def _error(status: int, message: str | None, retry_after: float | None) -> LLMRingError:
    """Return what a status stands for; without a message, the protocol has one of its own."""
    kind = error_type(status)
    more: dict[str, Any] = {"status_code": status}
    if issubclass(kind, (ProviderRateLimitError, ProviderServerError)):
        more["retry_after"] = retry_after
    return kind(message or "", **more)


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


def _response(answer: Answer, prompt: Prompt, codec: Codec) -> LLMResponse:
    text = answer.text or ""
    counts = count(prompt, answer, text)
    usage: Usage = {
        "prompt_tokens": counts.prompt,
        "completion_tokens": counts.completion,
        "total_tokens": counts.total,
        "cache_read_input_tokens": counts.cache_read,
        "reasoning_tokens": counts.reasoning,
    }
    if counts.cache_write:
        usage["cache_creation_input_tokens"] = counts.cache_write
    native = None
    if answer.stop_word is not None:  # for the protocols that have a place for it
        native = {"provider": codec.vendor, "stop_sequence": answer.stop_word}
    return LLMResponse(
        content=text,
        model=f"{codec.vendor}:{prompt.model}",
        usage=usage,
        finish_reason=answer.finish or ("tool_calls" if answer.tool_calls else "stop"),
        tool_calls=[tool_call(call.id or "", call.name, call.arguments_text) for call in answer.tool_calls]
        or None,
        reasoning=answer.reasoning or None,
        native=native,
    )


def _seed(prompt: Prompt, number: int) -> str:
    return hashlib.blake2b(msgspec.json.encode([prompt, number]), digest_size=16).hexdigest()


class Simulation:
    """Answers requests by a script. With another script, calls are numbered from 1 again."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._calls: Counter[tuple[str, str]] = Counter()
        self.files = HostedFiles()
        self.batches = HostedBatches(
            self.files,
            lambda request: self.plan(request)[0],
            lambda number: self._script.batch_rule(number),  # noqa: PLW0108 - of the script then
        )

    @property
    def script(self) -> Script:
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = script
        self._calls.clear()
        self.batches.renumber()

    def plan(self, request: HttpRequest) -> tuple[Plan, Prompt | None]:
        """Return what happens to this request, and what was read of it where it is a chat call.

        The URL may be absolute or only path and query; header names are in lower case.
        """
        route = find_route(request.method, request.url, request.headers)
        if route is None or route.operation not in ("chat", "count_tokens", "models"):
            return self._kept(request), None
        codec = CODECS[route.protocol]
        if route.operation == "models":
            stamp = Stamp(seed="0" * 32, created=_CREATED)
            return _whole(200, codec.models(self._script.models, stamp), _JSON), None
        try:
            return self._read(codec, route, request)
        except (ValidationError, UnreadablePromptError) as error:
            return refusal(codec, 400, str(error)), None

    def _kept(self, request: HttpRequest) -> Plan:
        """Return the answer to a request that is about none of the protocols' calls."""
        about_files = self.files.answer(request)
        if about_files is not None:
            whole = _whole(about_files.status, msgspec.json.encode(about_files.body), _JSON)
            return msgspec.structs.replace(whole, headers={**whole.headers, **about_files.headers})
        about_batches = batch_forms.answer(self.batches, request)
        if about_batches is not None:
            return _batch_plan(about_batches)
        return _embedded(request) or _whole(404, b"the simulator has no such path", "text/plain")

    def _read(self, codec: Codec, route: Route, request: HttpRequest) -> tuple[Plan, Prompt | None]:
        missing = self.files.unknown(request.body)
        if missing is not None:
            return refusal(codec, 404, f"no such file: {missing}"), None
        asked = codec.read(route, request.headers, request.body)
        prompt = prompt_of(asked)
        if route.operation == "count_tokens":
            return _whole(200, codec.token_count(count(prompt, Answer(), "").prompt), _JSON), None
        call = (prompt.protocol, prompt.model)
        self._calls[call] += 1
        return plan(asked, prompt, self._script, self._calls[call]), prompt


def _batch_plan(reply: BatchReply) -> Plan:
    if reply.status is None:
        return Plan(status=None, ending="reset")
    return _whole(reply.status, reply.body, reply.media_type)


def _embedded(request: HttpRequest) -> Plan | None:
    """Return the answer to a request for vectors or a ranking, ``None`` for any other request."""
    try:
        asked = read_embedding(request.method, request.url, request.body)
    except ValidationError as error:
        return _whole(400, msgspec.json.encode({"error": {"message": str(error)}}), _JSON)
    if asked is None:
        return None
    if isinstance(asked, HostedTexts):
        rows = [vector(text, asked.dimensions) for text in asked.texts]
        return _whole(200, write_embedding(asked, rows, word_count(asked.texts)), _JSON)
    used = word_count([asked.query, *asked.documents])
    return _whole(200, write_ranking(asked, scores(asked.query, asked.documents), used), _JSON)


def _whole(status: int, body: bytes, media_type: str) -> Plan:
    return Plan(status=status, headers={"content-type": media_type}, steps=(body,), length=len(body))
