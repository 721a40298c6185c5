"""What only the httpx2 transport does."""

from collections.abc import AsyncIterator

import httpx2
from llmring_providers.transport import HttpRequest
from llmring_providers.transport.httpx2 import Httpx2Transport

REQUEST = HttpRequest("POST", "https://example.test/v1", {"authorization": "Bearer k"}, b"{}")


async def test_a_client_of_the_users_own_is_used_and_stays_open() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, headers={"x-request-id": "r1"}, content=b"hi")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
        async with Httpx2Transport(client) as transport:
            assert (await transport.send(REQUEST)).body == b"hi"
            stream = await transport.open(REQUEST)
            assert await stream.read() == b"hi"
            stream.close()
        assert not client.is_closed
    assert [str(request.url) for request in seen] == ["https://example.test/v1"] * 2
    assert seen[0].headers["authorization"] == "Bearer k"


async def test_a_stream_over_a_mock_is_freed_by_the_next_call() -> None:
    class Body(httpx2.AsyncByteStream):
        closed = False

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        async def aclose(self) -> None:
            self.closed = True

    body = Body()
    answers = iter([httpx2.Response(200, stream=body), httpx2.Response(200)])
    mock = httpx2.MockTransport(lambda _: next(answers))
    async with httpx2.AsyncClient(transport=mock) as client, Httpx2Transport(client) as transport:
        stream = await transport.open(REQUEST)
        assert await stream.read() == b"one"
        stream.close()
        assert not body.closed
        await transport.send(REQUEST)
        assert body.closed
