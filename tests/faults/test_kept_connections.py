"""Kept connections that die are the pool's business: what a ring makes of them, and what its attempts say."""

import threading

import pytest
from fault_ring import BACKENDS, ask, run
from llmring import BreakerPolicy, LLMRing, Policy, RetryPolicy
from llmring.exceptions import ProviderConnectionError
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_providers.transport.httpx2 import Httpx2Transport
from loopback import Connection, StartServer

BODY = b'{"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
NERVOUS = Policy(retry=RetryPolicy(attempts=1), breaker=BreakerPolicy(failures=1))


def ring_on(url: str, backend: str) -> LLMRing:
    transport = Httpx2Transport() if backend == "trio" else AiohttpTransport()
    ring = LLMRing(policy=NERVOUS, transport=transport)
    ring.register_provider("openai", api_key="sk-a-key", base_url=url)
    return ring


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_that_was_closed_between_two_calls_is_no_failure_of_the_model(
    serve: StartServer, backend: str
) -> None:
    read, closed = threading.Semaphore(0), threading.Semaphore(0)

    def script(connection: Connection) -> None:
        connection.receive()
        connection.send(ANSWER)
        assert read.acquire(timeout=10)
        connection.shut()
        closed.release()

    server = serve(script)

    async def main() -> None:
        async with ring_on(server.url, backend) as ring:
            for _ in range(3):
                response = await ring.chat(ask("openai:m"))
                assert [attempt.outcome for attempt in response.attempts] == ["ok"]
                read.release()
                assert closed.acquire(timeout=10)  # nothing of the loop runs before the next call

    run(backend, main)
    assert server.connections == 3


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_that_dies_with_the_request_is_said_in_the_attempts(serve: StartServer, backend: str) -> None:
    heard: list[bytes] = []

    def script(connection: Connection) -> None:
        for answer in (ANSWER, b""):
            request = connection.receive()
            if request is None:
                return
            heard.append(request.body)
            connection.send(answer)

    server = serve(script)

    async def main() -> None:
        async with ring_on(server.url, backend) as ring:
            await ring.chat(ask("openai:m"))
            with pytest.raises(ProviderConnectionError) as caught:
                await ring.chat(ask("openai:m"))
            (attempt,) = caught.value.attempts
            assert "kept from an earlier call" in (attempt.message or "")
            assert attempt.billed is None  # it may have been processed
            assert caught.value.sent

    run(backend, main)
    assert len(heard) == 2
