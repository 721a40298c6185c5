"""Who may come in, how much at once, and what happens when they leave."""

from typing import Any

import anyio
import pytest
from asgi import ask
from gateways import ANTHROPIC, CHAT, CLAUDE, OPENAI, STREAMED, WORDS, ring_of
from llmring.serve import app
from llmring_providers.sim import Answer, Rule, faults


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "localhost:8787"}, 200),
        ({"host": "[::1]:8787"}, 200),
        ({"host": "gateway.internal"}, 200),
        ({"host": "evil.example"}, 403),
        ({"origin": "http://127.0.0.1:8787"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_web_pages_of_others_and_other_names_are_refused(headers: dict[str, str], status: int) -> None:
    async with ring_of() as ring:
        gateway = app(ring, host_names=["Gateway.internal"])
        assert (await ask(gateway, OPENAI, CHAT, headers=headers)).status == status
        assert (await ask(gateway, "/v1/models", headers=headers)).status == status


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        (("127.0.0.1", 1), {}, 200),
        (("::1", 1), {}, 200),
        (("::ffff:127.0.0.1", 1), {}, 200),
        (("10.0.0.7", 1), {}, 401),
        (None, {}, 401),
        (("127.0.0.1", 1), {"x-forwarded-for": "127.0.0.1"}, 401),
        (("127.0.0.1", 1), {"forwarded": "for=10.0.0.7"}, 401),
        (("127.0.0.1", 1), {"x-real-ip": "127.0.0.1"}, 401),
        (("127.0.0.1", 1), {"via": "1.1 proxy"}, 401),
        (("::ffff:10.0.0.7", 1), {}, 401),
        (("", None), {}, 401),
    ],
)
async def test_without_keys_only_this_machine_is_served(
    client: Any, headers: dict[str, str], status: int
) -> None:
    async with ring_of() as ring:
        reply = await ask(app(ring), ANTHROPIC, CLAUDE, client=client, headers=headers)
    assert reply.status == status
    if status == 401:
        assert reply.json["error"]["type"] == "authentication_error"
        assert "llmring serve key create" in reply.json["error"]["message"]


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [([b"x" * 101], {}), ([b"x" * 60, b"x" * 60], {}), ([b"{}"], {"content-length": "101"})],
)
async def test_a_body_beyond_the_limit_is_refused(bodies: list[bytes], headers: dict[str, str]) -> None:
    async with ring_of() as ring:
        reply = await ask(app(ring, max_body_bytes=100), OPENAI, bodies=bodies, headers=headers)
    assert reply.status == 413
    assert "100 bytes" in reply.json["error"]["message"]


async def test_a_body_in_pieces_is_read_whole() -> None:
    async with ring_of() as ring:
        reply = await ask(
            app(ring), OPENAI, bodies=[b'{"model":"fast","messages":[{"role":"user",', b'"content":"Hi"}]}']
        )
    assert reply.status == 200


async def test_more_calls_than_allowed_are_told_to_come_again() -> None:
    async with ring_of(Rule(fault=faults.Stall())) as ring:
        gateway = app(ring, max_calls=1)
        async with anyio.create_task_group() as group:
            group.start_soon(ask, gateway, OPENAI, CHAT)
            await anyio.wait_all_tasks_blocked()
            reply = await ask(gateway, ANTHROPIC, CLAUDE)
            group.cancel_scope.cancel()
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.json["type"] == "error"


async def test_a_place_is_free_again_after_each_call() -> None:
    async with ring_of(Rule(until=3, fault=faults.Status(status=500)), Rule(answer=WORDS)) as ring:
        gateway = app(ring, max_calls=1)
        assert [(await ask(gateway, OPENAI, CHAT)).status for _ in range(5)] == [500, 500, 500, 200, 200]


async def test_a_client_that_leaves_while_it_waits_ends_the_call() -> None:
    endings = []
    async with ring_of(
        Rule(fault=faults.Stall()), observers=[lambda record: endings.append(record.ending)]
    ) as ring:
        with anyio.fail_after(5):
            reply = await ask(app(ring), OPENAI, CHAT, leave_after=0)
    assert (reply.status, endings) == (0, ["aborted"])


async def test_a_client_that_leaves_a_stream_ends_it_upstream() -> None:
    endings = []
    slow = Rule(answer=Answer(text="word " * 1000, chunk_size=5, pace=0.001))
    async with ring_of(slow, observers=[lambda record: endings.append(record.ending)]) as ring:
        with anyio.fail_after(5):
            reply = await ask(app(ring), OPENAI, CHAT | STREAMED, leave_after=2)
    assert not reply.whole
    assert endings == ["aborted"]
    assert len(reply.pieces) < 100


async def test_no_websocket_is_opened_and_lifespan_is_agreed_to() -> None:
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event["type"])

    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(events)

    async with ring_of() as ring:
        await app(ring)({"type": "lifespan"}, receive, send)
        await app(ring)({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]


def test_it_runs_on_trio_as_well() -> None:
    async def both() -> list[int]:
        async with ring_of() as ring:
            gateway = app(ring)
            return [(await ask(gateway, OPENAI, body)).status for body in (CHAT, CHAT | STREAMED)]

    assert anyio.run(both, backend="trio") == [200, 200]
