"""The simulator dressed as a host that deviates: it refuses what the host refuses, and answers in the host's form."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import msgspec
from llmring_providers.sim import Script, SimTransport
from llmring_providers.transport import HttpRequest, HttpResponse
from llmring_types.hosts import Quirks

COST = 0.25
"""US dollars that every answer of a host that states its price costs."""
_NINE = re.compile(r"[a-zA-Z0-9]{9}")
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
_LIMITS = {"max_tokens", "max_completion_tokens"}
_REFUSED = 400
_MINIMAX = {400: 2013, 401: 1004, 429: 1002}
"""Codes for statuses: https://platform.minimax.io/docs/api-reference/errorcode"""


class DressedTransport:
    """The simulator behind a host's deviations.

    Args:
        quirks: the deviations.
        script: what the simulator answers.
    """

    def __init__(self, quirks: Quirks, script: Script) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._quirks = quirks
        self._simulator = SimTransport(script)

    async def send(self, request: HttpRequest) -> HttpResponse:
        refusal, request = self._taken(request)
        if refusal is not None:
            return refusal
        reply = await self._simulator.send(request)
        if reply.status >= _REFUSED:
            return self._worded(reply)
        body = msgspec.json.encode(_answer(msgspec.json.decode(reply.body), self._quirks))
        return reply._replace(body=body, headers={**reply.headers, "content-length": str(len(body))})

    async def open(self, request: HttpRequest) -> "_Played":
        refusal, request = self._taken(request)
        if refusal is not None:
            return _Played(refusal, [refusal.body])
        stream = await self._simulator.open(request)
        pieces = []
        while piece := await stream.read():
            pieces.append(piece)
        reply = HttpResponse(stream.status, stream.headers, b"".join(pieces))
        if reply.status >= _REFUSED:
            worded = self._worded(reply)
            return _Played(worded, [worded.body])
        return _Played(reply, list(_events(reply.body, self._quirks)))

    async def aclose(self) -> None:
        await self._simulator.aclose()

    def _taken(self, request: HttpRequest) -> tuple[HttpResponse | None, HttpRequest]:
        body = msgspec.json.decode(request.body)
        self.bodies.append(body)
        complaints = list(_complaints(body, self._quirks))
        if not request.url.partition("?")[0].endswith(self._quirks.chat_path):
            complaints.append(f"there is no {request.url}")
        request = request._replace(url="https://host.test/v1/chat/completions")
        if complaints:
            return HttpResponse(
                _REFUSED, {}, _error({"message": "; ".join(complaints)}, self._quirks)
            ), request
        if body.get("stream"):  # these hosts count a stream without being asked to
            body["stream_options"] = {"include_usage": True}
        return None, request._replace(body=msgspec.json.encode(body))

    def _worded(self, reply: HttpResponse) -> HttpResponse:
        said = msgspec.json.decode(reply.body)["error"]
        headers = dict(reply.headers)
        for name in self._quirks.wait_headers:
            headers[name] = "7s"
        return HttpResponse(reply.status, headers, _error(said, self._quirks, reply.status))


class _Played:
    def __init__(self, reply: HttpResponse, pieces: list[bytes]) -> None:
        self.status, self.headers = reply.status, reply.headers
        self._pieces = iter(pieces)

    async def read(self) -> bytes:
        return next(self._pieces, b"")

    async def finish(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        self._pieces = iter(())


def _complaints(body: Mapping[str, Any], quirks: Quirks) -> Iterator[str]:
    refused = {*quirks.refused, *quirks.renamed}
    if quirks.token_limit is not None:
        refused |= _LIMITS - {quirks.token_limit}
    if not quirks.stream_options:
        refused.add("stream_options")
    if not quirks.parallel_calls:
        refused.add("parallel_tool_calls")
    yield from (f"{name} is not permitted" for name in sorted(refused) if name in body)
    choice = body.get("tool_choice", "auto")
    if choice not in ("auto", "none", quirks.required_word) and not (
        isinstance(choice, dict) and quirks.named_choice
    ):
        yield f"tool_choice {choice!r} is not permitted"
    kind = (body.get("response_format") or {"type": "text"})["type"]
    if kind not in ("text", *quirks.formats):
        yield f"response_format {kind!r} is not permitted"
    if not quirks.strict and b'"strict"' in msgspec.json.encode(body):
        yield "strict is not permitted"
    if quirks.most_stops is not None and len(body.get("stop") or ()) > quirks.most_stops:
        yield "there are too many stop sequences"
    yield from _wrong_messages(body["messages"], quirks)


def _wrong_messages(messages: list[dict[str, Any]], quirks: Quirks) -> Iterator[str]:
    for message in messages:
        if not quirks.speakers and "name" in message:
            yield "messages have no name"
        if message["role"] in quirks.text_only and isinstance(message["content"], list):
            yield "content is a text"
        if quirks.replays_reasoning == "never" and any(message.get(name) for name in _REASONING):
            yield "messages have no reasoning"
        ids = [call["id"] for call in message.get("tool_calls") or ()]
        ids += [message["tool_call_id"]] if "tool_call_id" in message else []
        if quirks.call_ids == "nine" and not all(map(_NINE.fullmatch, ids)):
            yield "ids of calls are nine letters or digits"
    roles = [message["role"] for message in messages]
    if quirks.alternating and any(
        one == other and one in ("user", "assistant") for one, other in pairwise(roles)
    ):
        yield "the roles user and assistant alternate"
    if quirks.answered_results and any(pair == ("tool", "user") for pair in pairwise(roles)):
        yield "results of tools are answered before the user speaks"
    if quirks.begun_answer and roles[-1] == "assistant" and not messages[-1].get(quirks.begun_answer):
        yield "the last message is the user's or a tool's"


def _error(said: Mapping[str, Any], quirks: Quirks, status: int = _REFUSED) -> bytes:
    forms: dict[str, Any] = {
        "object": {"error": said},
        "text": {"code": said.get("code"), "error": said["message"]},
        "list": [{"error": said}],
        "flat": {"object": "error", **said},
        "detail": {"detail": said["message"]},
        "base_resp": {
            "base_resp": {"status_code": _MINIMAX.get(status, 1000), "status_msg": said["message"]}
        },
    }
    return msgspec.json.encode(forms[quirks.error])


def _answer(document: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    for choice in document.get("choices") or ():
        said = choice.get("message") or choice.get("delta") or {}
        _place_reasoning(said, quirks)
        for call in said.get("tool_calls") or ():
            if quirks.call_ids == "nine" and call.get("id"):
                call["id"] = re.sub(r"[^a-zA-Z0-9]", "", call["id"])[-9:]
    if document.get("usage"):
        _place_counts(document["usage"], quirks)
    return document


def _place_reasoning(said: dict[str, Any], quirks: Quirks) -> None:
    reasoning = said.pop("reasoning_content", None)
    if not reasoning:
        return
    if quirks.reasoning == "parts":
        thought = {"type": "thinking", "thinking": [{"type": "text", "text": reasoning}]}
        text = [{"type": "text", "text": said["content"]}] if said.get("content") else []
        said["content"] = [thought, *text]
    else:
        said[quirks.reasoning or "reasoning_content"] = reasoning


def _place_counts(usage: dict[str, Any], quirks: Quirks) -> None:
    cached = (usage.get("prompt_tokens_details") or {}).pop("cached_tokens", None)
    if cached is not None:
        _put(usage, quirks.cached_tokens, cached)
    if quirks.cost is not None:
        stated = COST / quirks.cost_unit
        _put(usage, quirks.cost, round(stated) if stated > 1 else stated)


def _put(document: dict[str, Any], path: str, value: object) -> None:
    *outer, last = path.split(".")
    for name in outer:
        document = document.setdefault(name, {})
    document[last] = value


def _events(body: bytes, quirks: Quirks) -> Iterator[bytes]:
    """Yield the events of a stream, its usage in the host's place."""
    documents = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]
    chunks = [msgspec.json.decode(text) if text.startswith(b"{") else text for text in documents]
    usage = next((chunk["usage"] for chunk in chunks if isinstance(chunk, dict) and chunk.get("usage")), None)
    for chunk in chunks:
        if not isinstance(chunk, dict):
            yield b"data: " + chunk + b"\n\n"
            continue
        if quirks.stream_usage != "last":
            if not chunk.get("choices"):
                continue
            chunk.pop("usage", None)
            if usage is not None and chunk["choices"][0].get("finish_reason"):
                _place_usage(chunk, usage, quirks)
        yield b"data: " + msgspec.json.encode(_answer(chunk, quirks)) + b"\n\n"


def _place_usage(chunk: dict[str, Any], usage: dict[str, Any], quirks: Quirks) -> None:
    if quirks.stream_usage == "finish":
        chunk["usage"] = usage
        return
    _place_counts(usage, quirks)
    if quirks.stream_usage == "choice":
        chunk["choices"][0]["usage"] = usage
    elif quirks.stream_usage == "x_groq":
        chunk["x_groq"] = {"id": "req_1", "usage": usage}
