"""The transport that suits whoever runs it."""

import sys

import anyio
import pytest
from llmring_providers.transport import AutoTransport, HttpRequest, HttpResponse
from llmring_types.exceptions import ConfigurationError
from loopback import Connection, Heard, StartServer

HEARD: list[Heard] = []


def script(connection: Connection) -> None:
    while (request := connection.receive()) is not None:
        HEARD.append(request)
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_one_transport_serves_asyncio_and_trio_in_turn(serve: StartServer) -> None:
    server = serve(script)
    transport = AutoTransport()
    request = HttpRequest("POST", server.url, {})
    HEARD.clear()

    async def main() -> HttpResponse:
        stream = await transport.open(request)
        while await stream.read():
            pass
        await stream.finish()
        answer = await transport.send(request)
        await transport.aclose()
        return answer

    for turn, backend in enumerate(("asyncio", "trio", "asyncio"), start=1):
        assert anyio.run(main, backend=backend).body == b"ok"
        server.wait_gone(turn)
    assert server.connections == 3
    agents = [request.headers["user-agent"].partition("/")[0] for request in HEARD]
    assert agents == ["llmring Python"] * 2 + ["llmring python-httpx2"] * 2 + ["llmring Python"] * 2


def test_without_httpx2_trio_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "llmring_providers.transport.httpx2", raising=False)
    monkeypatch.setitem(sys.modules, "httpx2", None)

    async def main() -> None:
        with pytest.raises(ConfigurationError, match=r"pip install 'llmring\[httpx2\]'"):
            await AutoTransport().send(HttpRequest("GET", "http://127.0.0.1/", {}))

    anyio.run(main, backend="trio")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_it_can_be_closed_without_having_been_used(backend: str) -> None:
    anyio.run(AutoTransport().aclose, backend=backend)
