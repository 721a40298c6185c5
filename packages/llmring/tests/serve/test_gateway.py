"""The gateway, asked as clients of each protocol ask, with the simulator behind it."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest
from asgi import Reply, ask
from batch_hosts import Host
from gateways import (
    ANTHROPIC,
    CHAT,
    CLAUDE,
    GEMINI,
    HELLO,
    OPENAI,
    RESPONSES,
    STREAMED,
    WORDS,
    binding,
    ring_of,
)
from interop.transport import RecordingTransport
from llmring.serve import Gateway, app
from llmring_lockfile import Lockfile, Profile
from llmring_providers import ChatCall, ProviderSettings, openai
from llmring_providers.sim import Rule, faults
from llmring_types import LLMResponse, StreamChunk


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with ring_of() as ring:
        yield app(ring)


def said(reply: Reply) -> str:
    return reply.body.decode()


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (OPENAI, CHAT, ("choices", 0, "message", "content")),
        ("/chat/completions", CHAT, ("choices", 0, "message", "content")),
        ("/v1/responses", RESPONSES, ("output", -1, "content", 0, "text")),
        (ANTHROPIC, CLAUDE, ("content", 0, "text")),
        ("/v1beta/models/fast:generateContent", GEMINI, ("candidates", 0, "content", "parts", 0, "text")),
        ("/api/chat", {**CHAT, "stream": False}, ("message", "content")),
    ],
)
async def test_every_protocol_gets_the_answer_in_its_own_form(
    gateway: Gateway, path: str, body: Any, place: tuple[Any, ...]
) -> None:
    reply = await ask(gateway, path, body)
    assert reply.status == 200
    found = reply.json
    for step in place:
        found = found[step]
    assert found == "Good morning to you"


@pytest.mark.parametrize(
    ("path", "body", "kind", "end"),
    [
        (OPENAI, CHAT | STREAMED, "text/event-stream", "data: [DONE]\n\n"),
        ("/v1/responses", RESPONSES | STREAMED, "text/event-stream", "response.completed"),
        (ANTHROPIC, CLAUDE | STREAMED, "text/event-stream", "message_stop"),
        (
            "/v1beta/models/fast:streamGenerateContent?alt=sse",
            GEMINI,
            "text/event-stream",
            '"finishReason":"STOP"',
        ),
        ("/v1beta/models/fast:streamGenerateContent", GEMINI, "application/json", '"finishReason":"STOP"'),
        ("/api/chat", CHAT, "application/x-ndjson", '"done":true'),
    ],
)
async def test_every_protocol_gets_a_stream_in_its_own_form(
    gateway: Gateway, path: str, body: Any, kind: str, end: str
) -> None:
    reply = await ask(gateway, path, body)
    assert (reply.status, reply.whole) == (200, True)
    assert reply.headers["content-type"].startswith(kind)
    assert all(word in said(reply) for word in ("Good ", "morni", "ng to", " you"))
    assert end in said(reply)[-1500:]


class Together:
    """A provider whose chunks come together."""

    name = "sim"

    async def chat(self, call: ChatCall) -> LLMResponse:
        raise AssertionError(call)

    async def stream(self, call: ChatCall) -> "Together":
        self.pieces = [
            [StreamChunk(delta="Good "), StreamChunk(delta="morni")],
            [
                StreamChunk(delta="ng to"),
                StreamChunk(delta=" you"),
                StreamChunk(delta="!", model=str(call.ref), finish_reason="stop"),
            ],
        ]
        return self

    async def receive(self) -> Sequence[StreamChunk]:
        return self.pieces.pop(0) if self.pieces else ()

    def partial(self) -> StreamChunk:
        return StreamChunk()

    async def finish(self) -> None:
        self.pieces = []

    def close(self) -> None:
        self.pieces = []

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (OPENAI, CHAT | STREAMED),
        ("/v1/responses", RESPONSES | STREAMED),
        (ANTHROPIC, CLAUDE | STREAMED),
        ("/v1beta/models/fast:streamGenerateContent?alt=sse", GEMINI),
        ("/api/chat", CHAT),
    ],
)
async def test_chunks_that_come_together_are_all_passed_on(path: str, body: Any) -> None:
    async with ring_of() as ring:
        ring.register_provider("sim", Together(), replace=True)
        reply = await ask(app(ring), path, body)
    assert reply.whole
    found = [said(reply).find(word) for word in ("Good ", "morni", "ng to", " you", "!")]
    assert -1 not in found
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("models", "endpoint"),
    [
        (("openai:gpt-5",), "/responses"),
        (("openai:gpt-5", "openai:gpt-4o"), "/responses"),
        (("openai:gpt-5", "anthropic:claude-haiku-4-5"), "/chat/completions"),
    ],
)
async def test_the_responses_protocol_is_passed_on_where_every_member_speaks_it(
    models: tuple[str, ...], endpoint: str
) -> None:
    host = Host(
        lockfile=Lockfile(profiles={"default": Profile(name="default", bindings=(binding("fast", *models),))})
    )
    async with host.ring as ring:
        reply = await ask(app(ring), "/v1/responses", RESPONSES)
    assert reply.status == 200
    assert [request.url.endswith(endpoint) for request in host.transport.seen] == [True]


@pytest.mark.parametrize("wish", ["no-store", "No-Store, max-age=0", "max-age=0"])
async def test_a_wish_about_a_cache_that_there_is_not_changes_nothing(wish: str) -> None:
    host = Host(
        lockfile=Lockfile(
            profiles={
                "default": Profile(name="default", bindings=(binding("fast", "anthropic:claude-haiku-4-5"),))
            }
        )
    )
    async with host.ring as ring:
        replies = [
            await ask(app(ring), ANTHROPIC, CLAUDE, headers=headers)
            for headers in ({}, {"cache-control": wish})
        ]
    one, other = (request.body for request in host.transport.seen)
    assert one == other
    assert replies[0].headers.keys() == replies[1].headers.keys()


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (OPENAI, CHAT | STREAMED, 'data: {"error":'),
        ("/v1/responses", RESPONSES | STREAMED, "event: error"),
        (ANTHROPIC, CLAUDE | STREAMED, "event: error"),
        ("/v1beta/models/fast:streamGenerateContent?alt=sse", GEMINI, '"error":'),
        ("/api/chat", CHAT, '{"error":'),
    ],
)
@pytest.mark.parametrize("how", ["ended", "lost", "torn"])
async def test_a_cut_stream_ends_with_an_error_and_never_looks_finished(
    path: str, body: Any, error: str, how: Any
) -> None:
    async with ring_of(Rule(answer=WORDS, fault=faults.Cut(after=3, how=how))) as ring:
        reply = await ask(app(ring), path, body)
    assert reply.status == 200
    assert "Good" in said(reply)
    assert error in said(reply)
    for end in ("[DONE]", "message_stop", "response.completed", '"done":true', "STOP"):
        assert end not in said(reply)


ERRORS = [
    (OPENAI, CHAT, ("error", "message")),
    ("/v1/responses", RESPONSES, ("error", "message")),
    (ANTHROPIC, CLAUDE, ("error", "message")),
    ("/v1beta/models/fast:generateContent", GEMINI, ("error", "message")),
    ("/api/chat", CHAT, ("error",)),
]


@pytest.mark.parametrize(("path", "body", "place"), ERRORS)
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (faults.Status(status=400, message="no good"), 400),
        (faults.Status(status=401), 502),
        (faults.Status(status=429, retry_after=7), 429),
        (faults.Status(status=500), 500),
        (faults.Status(status=503), 503),
        (faults.Reset(), 502),
    ],
)
async def test_errors_have_the_form_of_the_protocol_and_the_status_that_clients_act_on(
    path: str, body: Any, place: tuple[str, ...], fault: Any, status: int
) -> None:
    async with ring_of(Rule(fault=fault)) as ring:
        reply = await ask(app(ring), path, body)
    assert reply.status == status
    found = reply.json
    for step in place:
        found = found[step]
    assert isinstance(found, str)
    assert found
    assert "outcome=error" in reply.headers["llmring-attempts"]
    if status == 429:
        assert reply.headers["retry-after"] == "7"


async def test_a_refused_key_of_the_gateway_is_no_fault_of_the_client() -> None:
    async with ring_of(Rule(fault=faults.Status(status=401, message="bad key"))) as ring:
        reply = await ask(app(ring), OPENAI, CHAT)
    assert reply.status == 502
    assert "the gateway cannot use sim" in reply.json["error"]["message"]


async def test_headers_say_who_was_tried_who_answered_and_at_what_cost() -> None:
    broken = Rule(model="bad", fault=faults.Status(status=503))
    async with ring_of(broken, Rule(answer=WORDS)) as ring:
        reply = await ask(app(ring), OPENAI, {**CHAT, "model": "safe"})
    attempts = reply.headers["llmring-attempts"].split(", ")
    assert attempts[0].startswith('"sim:bad";outcome=error;status=503;ms=')
    assert attempts[1].startswith('"sim:good";outcome=ok;ms=')
    assert reply.headers["llmring-model"] == "sim:good"
    usage = reply.json["usage"]
    cost = (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1e6
    assert float(reply.headers["llmring-cost"]) == pytest.approx(cost)


async def test_headers_of_a_stream_say_what_is_known_at_its_begin() -> None:
    broken = Rule(model="bad", fault=faults.Status(status=503))
    async with ring_of(broken, Rule(answer=WORDS)) as ring:
        reply = await ask(app(ring), OPENAI, {**CHAT, **STREAMED, "model": "safe"})
    assert reply.headers["llmring-attempts"].count("outcome=") == 2
    assert reply.headers["llmring-model"] == "sim:good"
    assert "llmring-cost" not in reply.headers


@pytest.mark.parametrize(
    ("path", "body", "header"),
    [(OPENAI, CHAT, "x-request-id"), (ANTHROPIC, CLAUDE, "request-id"), (OPENAI, b"{", "x-request-id")],
)
async def test_every_answer_has_an_id(gateway: Gateway, path: str, body: Any, header: str) -> None:
    first, second = await ask(gateway, path, body), await ask(gateway, path, body)
    assert first.headers[header].startswith("req_")
    assert first.headers[header] != second.headers[header]


async def test_fields_that_are_not_understood_are_named(gateway: Gateway) -> None:
    messages = [{"role": "assistant", "content": "Hm", "metadata": {"a": 1}}, *HELLO]
    reply = await ask(gateway, OPENAI, {"model": "fast", "messages": messages})
    assert reply.headers["llmring-unread"] == '"messages[0].metadata"'


@pytest.mark.parametrize(("more", "status"), [({}, 400), (STREAMED, 200)])
async def test_an_answer_that_could_only_be_asked_for_later_is_refused(
    gateway: Gateway, more: Any, status: int
) -> None:
    assert (await ask(gateway, "/v1/responses", {**RESPONSES, "background": True, **more})).status == status


@pytest.mark.parametrize("name", ["models", "contents", "system", "api"])
async def test_no_field_leads_to_another_model_or_conversation(name: str) -> None:
    asked = []
    async with ring_of(observers=[lambda record: asked.append(record.request)]) as ring:
        reply = await ask(app(ring), OPENAI, {**CHAT, name: "chat", "seed": 7})
    assert reply.headers["llmring-unread"] == f'"{name}"'
    assert asked[0].extra_params == {"seed": 7}


@pytest.mark.parametrize(
    ("path", "headers", "names"),
    [
        ("/v1/models", {}, lambda found: [each["id"] for each in found["data"]]),
        (
            "/v1/models",
            {"anthropic-version": "2023-06-01"},
            lambda found: [each["id"] for each in found["data"]],
        ),
        (
            "/v1beta/models",
            {},
            lambda found: [each["name"].removeprefix("models/") for each in found["models"]],
        ),
        ("/api/tags", {}, lambda found: [each["name"] for each in found["models"]]),
    ],
)
async def test_the_aliases_are_the_models(gateway: Gateway, path: str, headers: Any, names: Any) -> None:
    reply = await ask(gateway, path, headers=headers)
    assert names(reply.json) == ["fast", "safe"]


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/v1/models/", {}, "id"),
        ("/v1/models/", {"anthropic-version": "2023-06-01"}, "id"),
        ("/v1beta/models/", {}, "displayName"),
    ],
)
async def test_one_model_is_shown_by_its_name(gateway: Gateway, path: str, headers: Any, name: str) -> None:
    assert (await ask(gateway, f"{path}fast", headers=headers)).json[name] == "fast"
    assert (await ask(gateway, f"{path}none", headers=headers)).status == 404


@pytest.mark.parametrize("name", ["sim:small", "missing", "fast:latest", ""])
async def test_only_aliases_are_served(gateway: Gateway, name: str) -> None:
    reply = await ask(gateway, OPENAI, {**CHAT, "model": name})
    assert reply.status == 404
    assert "list of models" in reply.json["error"]["message"]


async def test_models_are_named_directly_where_that_is_allowed() -> None:
    async with ring_of() as ring:
        reply = await ask(app(ring, direct_models=True), OPENAI, {**CHAT, "model": "sim:any"})
    assert reply.headers["llmring-model"] == "sim:any"


async def test_a_header_chooses_the_profile(gateway: Gateway) -> None:
    reply = await ask(gateway, OPENAI, CHAT, headers={"llmring-profile": "other"})
    assert reply.headers["llmring-model"] == "sim:other"
    names = await ask(gateway, "/v1/models", headers={"llmring-profile": "other"})
    assert [each["id"] for each in names.json["data"]] == ["fast"]
    refused = await ask(gateway, OPENAI, CHAT, headers={"llmring-profile": "none"})
    assert (refused.status, refused.json["error"]["message"]) == (404, "there is no such profile here")


async def test_tokens_are_counted_and_an_estimate_is_named_one(gateway: Gateway) -> None:
    reply = await ask(gateway, "/v1/messages/count_tokens", CLAUDE)
    assert reply.json["input_tokens"] > 0


async def test_texts_are_embedded(gateway: Gateway) -> None:
    reply = await ask(gateway, "/v1/embeddings", {"model": "fast", "input": ["a", "b"], "dimensions": 8})
    assert [len(each["embedding"]) for each in reply.json["data"]] == [8, 8]
    assert reply.headers["llmring-model"] == "sim:small"


OF_ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "place", "word"),
    [
        ("GET", "/nothing", {}, ("error", "type"), "invalid_request_error"),
        ("GET", OPENAI, {}, ("error", "code"), None),
        ("POST", "/v1/rerank", {}, ("error", "type"), "invalid_request_error"),
        ("DELETE", "/v1/models", {}, ("error", "type"), "invalid_request_error"),
        ("POST", "/v1/messages/batches", {}, ("error", "type"), "not_found_error"),
        ("GET", "/v1/files", OF_ANTHROPIC, ("error", "type"), "not_found_error"),
        ("POST", "/v1beta/cachedContents", {}, ("error", "status"), "NOT_FOUND"),
        ("POST", "/upload", {"x-goog-api-key": "k"}, ("error", "code"), 404),
        ("POST", "/api/pull", {}, ("error",), "POST /api/pull is not served by this gateway"),
    ],
)
async def test_other_places_are_not_found_in_the_form_of_the_protocol(
    gateway: Gateway, method: str, path: str, headers: Any, place: tuple[str, ...], word: Any
) -> None:
    reply = await ask(gateway, path, b"{}", method=method, headers=headers)
    assert reply.status == 404
    assert f"{method} {path} is not served" in said(reply)
    found = reply.json
    for step in place:
        found = found[step]
    assert found == word


async def test_the_head_of_what_can_be_got_is_the_same(gateway: Gateway) -> None:
    for path in ("/v1/models", "/v1/models/fast", "/api/version", "/api/tags"):
        assert (await ask(gateway, path, method="HEAD")).status == 200
    assert (await ask(gateway, OPENAI, method="HEAD")).status == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (OPENAI, CHAT),
        (OPENAI, CHAT | STREAMED),
        ("/v1/responses", RESPONSES | STREAMED),
        (ANTHROPIC, CLAUDE),
        (ANTHROPIC, CLAUDE | STREAMED),
        ("/v1beta/models/fast:streamGenerateContent?alt=sse", GEMINI),
        ("/api/chat", CHAT),
    ],
)
async def test_half_a_letter_costs_no_answer(path: str, body: Any) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": HALF}}
    message = {"content": HALF, "reasoning_content": HALF, "tool_calls": [call]}
    delta = {**message, "tool_calls": [{"index": 0, **call}]}
    whole = json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    chunks = [{"choices": [{"delta": delta}]}, {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}]
    streamed = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    is_stream = "stream" in path or body.get("stream", path == "/api/chat")
    upstream = RecordingTransport(200, {}, (streamed if is_stream else whole).encode())
    async with ring_of() as ring:
        settings = ProviderSettings(
            name="sim", transport=upstream, base_url="http://127.0.0.1/v1", api_key="k"
        )
        ring.register_provider("sim", openai.create(settings))
        reply = await ask(app(ring), path, body)
    assert (reply.status, reply.whole) == (200, True)
    assert reply.body.count("\ufffd".encode()) >= 3


HALF = "ab \ud83d cd"
SEEDS: dict[str, Any] = {
    OPENAI: {
        **CHAT,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "max_tokens": 5,
    },
    ANTHROPIC: {**CLAUDE, "system": "s", "tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    "/v1/responses": {**RESPONSES, "reasoning": {"effort": "low"}, "text": {"format": {"type": "text"}}},
    "/v1beta/models/fast:generateContent": {**GEMINI, "generationConfig": {"temperature": 0.5}},
    "/api/chat": {**CHAT, "stream": False, "options": {"temperature": 0.5}},
    "/v1/embeddings": {"model": "fast", "input": ["a"], "encoding_format": "base64"},
}
ODD: list[Any] = [None, True, -1, 1.5, 2**70, "", "x", "\ud800", [], {}, [None], [[[]]], {"type": "object"}]


def changed(value: Any, random: Random) -> Any:
    if random.random() < 0.05:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {name: changed(inner, random) for name, inner in value.items() if random.random() > 0.03}
    return [changed(inner, random) for inner in value] if isinstance(value, list) else value


async def test_a_body_of_any_shape_is_answered_in_the_form_of_the_protocol(gateway: Gateway) -> None:
    random = Random(7)  # noqa: S311 - the same bodies each time
    statuses: Counter[int] = Counter()
    for _ in range(600):
        path, body = random.choice(list(SEEDS.items()))
        reply = await ask(gateway, path, json.dumps(changed(body, random)).encode())
        statuses[reply.status] += 1
        if reply.headers["content-type"].startswith("application/json"):
            assert isinstance(reply.json, dict)
    assert set(statuses) <= {200, 400, 404}
    assert min(statuses[200], statuses[400]) > 100
