"""The simulator over real HTTP, seen by a plain client."""

import asyncio
import errno
import gc
import json
import socket
import sys
import threading
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import suppress
from http.client import HTTPConnection
from subprocess import run
from typing import Any

import aiohttp
import pytest
from llmring.testing import Answer, Rule, Script, Simulator, faults, serve

TEXT = "x" * 160
ANSWER = Answer(text=TEXT)
QUESTION = {"role": "user", "content": "Hello"}


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def asking(simulator: Simulator, *, stream: bool = False, model: str = "m") -> dict[str, Any]:
    body = {"model": model, "messages": [QUESTION], "stream": stream}
    return {"url": f"{simulator.base_url('openai')}/chat/completions", "json": body}


def address(simulator: Simulator) -> tuple[str, int]:
    host, _, port = simulator.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def serving_tasks() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "Connection._serve" in repr(task)]


async def chunks_until_error(response: aiohttp.ClientResponse) -> tuple[bytes, aiohttp.ClientError | None]:
    read = b""
    try:
        async for piece in response.content.iter_any():
            read += piece
    except aiohttp.ClientError as error:
        return read, error
    return read, None


async def test_it_answers_every_protocol_at_one_address(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    contents = {"contents": [{"parts": [{"text": "Hello"}]}]}
    bodies = {
        "/v1/chat/completions": {"model": "m", "messages": [QUESTION]},
        "/v1/responses": {"model": "m", "input": "Hello"},
        "/v1/messages": {"model": "m", "max_tokens": 500, "messages": [QUESTION]},
        "/v1beta/models/m:generateContent": contents,
        "/v1beta/models/m:streamGenerateContent?alt=sse": contents,
        "/api/chat": {"model": "m", "messages": [QUESTION]},
    }
    simulator.script = Script(rules=(Rule(answer=Answer(chunk_size=1000)),))
    for path, body in bodies.items():
        async with http.post(simulator.url + path, json=body) as response:
            assert response.status == 200, path
            assert b"simulated" in await response.read()

    assert [request.path for request in simulator.requests] == list(bodies)


@pytest.mark.parametrize(
    ("path", "headers", "names"),
    [
        ("/v1/models", {}, lambda reply: [one["id"] for one in reply["data"]]),
        (
            "/v1/models",
            {"anthropic-version": "2023-06-01"},
            lambda reply: [one["id"] for one in reply["data"]],
        ),
        ("/v1/models", {"x-goog-api-key": "k"}, lambda reply: [one["name"] for one in reply["models"]]),
        ("/v1beta/models?pageSize=5", {}, lambda reply: [one["name"] for one in reply["models"]]),
        ("/api/tags", {}, lambda reply: [one["model"] for one in reply["models"]]),
    ],
)
async def test_it_lists_the_models_of_its_script(
    simulator: Simulator, http: aiohttp.ClientSession, path: str, headers: dict[str, str], names: Any
) -> None:
    simulator.script = Script(rules=(Rule(model="big"), Rule(model="gpt-*")))

    async with http.get(simulator.url + path, headers=headers) as response:
        listed = names(await response.json())

    assert [name.removeprefix("models/") for name in listed] == ["big", "demo"]


async def test_it_keeps_what_it_got(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(**asking(simulator), headers={"Authorization": "Bearer k"}) as response:
        await response.read()

    (request,) = simulator.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer k"
    assert request.json["messages"] == [QUESTION]
    assert request.prompt is not None
    assert request.prompt.question == "Hello"


async def test_a_connection_is_used_again(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    for stream in (False, True, False):
        async with http.post(**asking(simulator, stream=stream)) as response:
            await response.read()

    assert len(simulator._connections) == 1


async def test_a_connection_is_closed_when_the_client_asks(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post(**asking(simulator), headers={"Connection": "close"}) as response:
        await response.read()
    await asyncio.sleep(0)

    assert not simulator._connections


async def test_the_script_may_change_while_it_runs(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    statuses = []
    for script in (Script(), Script(rules=(Rule(call=1, fault=faults.Status(status=529)),))):
        simulator.script = script
        async with http.post(**asking(simulator)) as response:
            statuses.append(response.status)

    assert statuses == [200, 529]


async def test_an_error_has_its_status_its_header_and_its_body(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.script = Script(rules=(Rule(fault=faults.Status(status=429, retry_after=7)),))

    async with http.post(**asking(simulator)) as response:
        assert response.status == 429
        assert response.reason == "Too Many Requests"
        assert response.headers["retry-after"] == "7"
        assert (await response.json())["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stall_before_the_first_byte_sends_nothing(
    simulator: Simulator, http: aiohttp.ClientSession, stream: bool
) -> None:
    simulator.script = Script(rules=(Rule(fault=faults.Stall()),))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), http.post(**asking(simulator, stream=stream)):
            pass


async def test_a_stall_within_a_stream_comes_after_the_events_before_it(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.script = Script(rules=(Rule(answer=ANSWER, fault=faults.Stall(after=3)),))

    async with http.post(**asking(simulator, stream=True)) as response:
        read = [await response.content.readuntil(b"\n\n") for _ in range(3)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(response.content.readany(), 0.05)

    assert all(event.startswith(b"data: ") for event in read)


@pytest.mark.parametrize(
    ("fault", "events", "fails"),
    [
        (faults.Cut(after=3), 3, False),
        (faults.Cut(after=3, how="lost"), 3, True),
        (faults.Reset(after=3), 3, True),
        (faults.ErrorEvent(after=3), 4, False),
    ],
)
async def test_a_stream_goes_wrong_where_the_script_says(
    simulator: Simulator, http: aiohttp.ClientSession, fault: faults.Fault, events: int, fails: bool
) -> None:
    simulator.script = Script(rules=(Rule(answer=ANSWER, fault=fault),))

    async with http.post(**asking(simulator, stream=True)) as response:
        read, error = await chunks_until_error(response)

    assert response.status == 200
    assert read.count(b"data: ") == events
    assert b"[DONE]" not in read
    assert (error is not None) is fails


@pytest.mark.parametrize("stream", [False, True])
async def test_a_bad_chunk_breaks_the_framing(simulator: Simulator, stream: bool) -> None:
    """Seen on the wire: aiohttp never wakes the reader of a body whose framing breaks after its head has come."""
    simulator.script = Script(rules=(Rule(answer=ANSWER, fault=faults.BadChunk(after=1)),))
    body = json.dumps(asking(simulator, stream=stream)["json"])
    reader, writer = await asyncio.open_connection(*address(simulator))
    writer.write(f"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())

    answer = await reader.read()
    writer.close()
    head, _, framed = answer.partition(b"\r\n\r\n")
    size, _, rest = framed.partition(b"\r\n")

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"transfer-encoding: chunked" in head
    assert rest[int(size, 16) :] == b"\r\nnot a size\r\n"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_before_any_answer_is_a_reset(
    simulator: Simulator, http: aiohttp.ClientSession, stream: bool
) -> None:
    simulator.script = Script(rules=(Rule(fault=faults.Reset()),))

    with pytest.raises(aiohttp.ClientOSError) as caught:
        await http.post(**asking(simulator, stream=stream))

    assert caught.value.errno == errno.ECONNRESET


async def test_a_host_that_is_gone_resets_its_connections_and_refuses_others_until_it_is_back(
    http: aiohttp.ClientSession,
) -> None:
    script = Script(rules=(Rule(until=1, fault=faults.Refused(seconds=0.3)), Rule(answer=ANSWER)))
    async with Simulator(script) as simulator:
        idle, writer = await asyncio.open_connection(*address(simulator))
        with pytest.raises(aiohttp.ClientError):
            await http.post(**asking(simulator))
        with pytest.raises(ConnectionResetError):
            await idle.read(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address(simulator))
        assert simulator.connections == 0
        async with asyncio.timeout(10):
            while True:
                with suppress(aiohttp.ClientConnectorError):
                    async with http.post(**asking(simulator)) as response:
                        assert TEXT in await response.text()
                        break
                await asyncio.sleep(0.01)
        writer.close()


@pytest.mark.parametrize("seconds", [None, 60.0])
async def test_a_host_that_is_gone_keeps_its_port_and_can_be_closed(
    http: aiohttp.ClientSession, seconds: float | None
) -> None:
    async with Simulator(Script(rules=(Rule(fault=faults.Refused(seconds=seconds)),))) as simulator:
        with pytest.raises(aiohttp.ClientError):
            await http.post(**asking(simulator))
        port = address(simulator)[1]
        with pytest.raises(OSError, match="in use"), socket.create_server(("127.0.0.1", port)):
            pass
    async with Simulator(port=port) as simulator, http.post(**asking(simulator)) as response:
        assert response.status == 200


@pytest.mark.parametrize("fault", [faults.Cut(how="lost"), faults.Reset(after=1)])
async def test_a_whole_answer_may_be_lost_on_the_way(
    simulator: Simulator, http: aiohttp.ClientSession, fault: faults.Fault
) -> None:
    simulator.script = Script(rules=(Rule(answer=ANSWER, fault=fault),))

    with pytest.raises(aiohttp.ClientError):
        async with http.post(**asking(simulator)) as response:
            await response.read()


async def test_a_malformed_answer_is_no_json(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    simulator.script = Script(rules=(Rule(answer=ANSWER, fault=faults.Malformed()),))

    async with http.post(**asking(simulator)) as response:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await response.read())


@pytest.mark.parametrize("stream", [False, True])
async def test_a_drip_loses_nothing(simulator: Simulator, http: aiohttp.ClientSession, stream: bool) -> None:
    bodies = []
    for fault in (None, faults.Drip(size=100, seconds=0.0001)):
        simulator.script = Script(rules=(Rule(answer=ANSWER, fault=fault),))
        async with http.post(**asking(simulator, stream=stream)) as response:
            bodies.append(await response.read())

    assert bodies[0] == bodies[1]


async def test_a_client_that_leaves_ends_what_it_asked_for(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.script = Script(rules=(Rule(fault=faults.Stall(after=1)),))
    async with http.post(**asking(simulator, stream=True)) as response:
        await response.content.readany()
        serving = serving_tasks()
        response.close()
    _, pending = await asyncio.wait(serving, timeout=5)

    assert len(serving) == 1
    assert not pending
    assert not simulator._connections


async def test_leaving_drops_what_still_hangs(http: aiohttp.ClientSession) -> None:
    script = Script(rules=(Rule(model="stalled", fault=faults.Stall(after=1)),))
    async with Simulator(script) as simulator:
        response = await http.post(**asking(simulator, stream=True, model="stalled"))
        await response.content.readany()
        url = asking(simulator)

    _, error = await chunks_until_error(response)
    response.close()
    assert error is not None
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.post(**url)
    assert serving_tasks() == []


async def test_hundreds_of_connections_are_served_at_once(http: aiohttp.ClientSession) -> None:
    script = Script(
        rules=(
            Rule(every=20, fault=faults.Status(status=503)),
            Rule(every=20, call=10, fault=faults.Reset()),
            Rule(answer=Answer(text=TEXT, latency=0.01, pace=0.0001)),
        )
    )

    async with Simulator(script) as simulator:

        async def one(place: int) -> str:
            try:
                async with http.post(**asking(simulator, stream=place % 2 == 0)) as response:
                    body = await response.read()
            except aiohttp.ClientOSError as error:
                return errno.errorcode[error.errno or 0]
            return "whole" if TEXT[:16].encode() in body else str(response.status)

        outcomes = await asyncio.gather(*map(one, range(400)))

    assert {kind: outcomes.count(kind) for kind in set(outcomes)} == {
        "whole": 360,
        "503": 20,
        "ECONNRESET": 20,
    }


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/messages HTTP/1.1\r\nContent-Length: 99\r\n\r\n{}",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000,
        b"GET /v1/models HTT",
    ],
)
async def test_what_is_no_request_is_dropped(simulator: Simulator, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address(simulator))
    writer.write(sent)
    writer.write_eof()

    with suppress(ConnectionResetError):  # a close with bytes unread is a reset
        assert await reader.read() == b""
    writer.close()
    assert simulator.requests == []


async def test_a_chunked_request_is_read(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    body = json.dumps(asking(simulator)["json"]).encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield body[:10]
        yield body[10:]

    async with http.post(asking(simulator)["url"], data=pieces()) as response:
        assert response.status == 200

    assert simulator.requests[0].body == body


async def test_a_client_may_wait_for_leave_to_send(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post(**asking(simulator), expect100=True) as response:
        assert response.status == 200


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/"), ("DELETE", "/v1/models")])
async def test_an_unknown_path_is_not_found(
    simulator: Simulator, http: aiohttp.ClientSession, method: str, path: str
) -> None:
    async with http.request(method, simulator.url + path) as response:
        assert response.status == 404


async def test_it_runs_until_cancelled() -> None:
    started: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(on_ready=started.set_result))
    where = address(await started)
    with socket.create_connection(where):
        pass
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where)


async def test_nothing_is_left_for_the_garbage_collector(http: aiohttp.ClientSession) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        async with (
            Simulator(Script(rules=(Rule(fault=faults.Reset(after=1)),))) as simulator,
            http.post(**asking(simulator, stream=True)) as response,
        ):
            await chunks_until_error(response)
        del simulator
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


def test_importing_llmring_loads_no_simulator() -> None:
    code = "import llmring, sys; print([name for name in sys.modules if 'testing' in name or '.sim' in name])"
    found = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_it_runs_in_a_thread_for_clients_without_a_loop() -> None:
    threads = threading.active_count()
    with Simulator(Script(rules=(Rule(answer=ANSWER),))) as simulator:
        for stream in (False, True):
            asked = asking(simulator, stream=stream)
            connection = HTTPConnection(*address(simulator))
            connection.request("POST", "/v1/chat/completions", json.dumps(asked["json"]))
            assert connection.getresponse().status == 200
            assert simulator.connections == 1
            connection.close()
            while simulator.connections:
                time.sleep(0.001)
        assert len(simulator.requests) == 2
    assert threading.active_count() == threads


def test_a_thread_that_cannot_listen_says_so() -> None:
    with (
        Simulator() as simulator,
        pytest.raises(OSError, match="address already in use"),
        Simulator(port=address(simulator)[1]),
    ):
        pass


def test_a_thread_drops_what_still_hangs() -> None:
    with Simulator(Script(rules=(Rule(fault=faults.Stall()),))) as simulator:
        connection = HTTPConnection(*address(simulator))
        connection.request("POST", "/v1/chat/completions", json.dumps(asking(simulator)["json"]))
        while not simulator.requests:
            time.sleep(0.001)
    with pytest.raises(ConnectionError):
        connection.getresponse()
    connection.close()


VISITORS: list[tuple[dict[str, str], int]] = [
    ({}, 200),
    ({"Host": "localhost:80"}, 200),
    ({"Host": "api.localhost"}, 200),
    ({"Host": "192.0.2.7:8400"}, 200),
    ({"Host": "[::1]:8400"}, 200),
    ({"Host": "sim"}, 200),
    ({"Host": "rebound.example"}, 403),
    ({"Host": "localhost.rebound.example"}, 403),
    ({"Host": "127.0.0.1.rebound.example:8400"}, 403),
    ({"Host": "me@rebound.example"}, 403),
    ({"Host": "[broken"}, 403),
    ({"Host": ""}, 403),
    ({"Host": "localhost:80", "Origin": "http://localhost:80"}, 200),
    ({"Host": "localhost:80", "Origin": "https://localhost:80"}, 403),
    ({"Host": "192.0.2.7:8400", "Origin": "http://192.0.2.7:8400"}, 200),
    ({"Origin": "http://sim:3000"}, 200),
    ({"Origin": "http://localhost"}, 403),
    ({"Origin": "http://localhost:3000"}, 403),
    ({"Origin": "http://127.0.0.1:3000"}, 403),
    ({"Origin": "http://192.0.2.7"}, 403),
    ({"Origin": "https://page.example"}, 403),
    ({"Origin": "null"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), VISITORS, ids=str)
async def test_pages_of_other_hosts_are_refused_without_a_word(
    http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    async with (
        Simulator(host_names=["sim"]) as simulator,
        http.post(**asking(simulator), headers=headers) as answer,
    ):
        assert (answer.status, bool(await answer.read())) == (status, status == 200)
        assert len(simulator.requests) == (status == 200)


async def test_what_it_got_is_printed_without_keys_and_prompts(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    given = {**asking(simulator), "url": f"{simulator.url}/v1/chat/completions?key=key-in-the-url"}
    async with http.post(**given, headers={"Authorization": "Bearer key-in-a-header"}) as response:
        await response.read()
    [received] = simulator.requests
    assert repr(received) == "Received('POST', '/v1/chat/completions')"


def test_a_program_that_leaves_it_running_ends_all_the_same() -> None:
    program = "from llmring.testing import Simulator; print(Simulator().__enter__().url)"
    ended = run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("http://127.0.0.1:")
