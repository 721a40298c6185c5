"""The transport whose other end is the simulator, in the same process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from llmring_providers.sim import Answer, Rule, Script, SimTransport, faults
from llmring_providers.transport import HttpRequest, TransportError

BODY = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
REQUEST = HttpRequest("POST", "http://anywhere.invalid/v1/chat/completions", {}, BODY)
WHOLE = REQUEST._replace(body=BODY.replace(b"true", b"false"))


def transport(*rules: Rule) -> SimTransport:
    return SimTransport(Script(rules=rules))


@asynccontextmanager
async def pieces(sim: SimTransport) -> AsyncIterator[list[bytes]]:
    """Read a stream into a list that can be looked at whatever happens."""
    found: list[bytes] = []
    stream = await sim.open(REQUEST)
    try:
        while piece := await stream.read():
            found.append(piece)
    except TransportError as error:
        found.append(str(error).encode())
    yield found


async def test_it_answers_whole_and_streamed() -> None:
    reply = await transport().send(WHOLE)
    async with pieces(transport()) as found:
        assert len(found) > 5

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert b"simulated" in reply.body


@pytest.mark.parametrize("path", ["/v1/elsewhere", "/", "/v1/models/m:predict"])
async def test_an_unknown_path_is_not_found(path: str) -> None:
    assert (await transport().send(REQUEST._replace(url=path))).status == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"model": 1}',
        b'{"model": "m", "messages": []}',
        b'{"messages": [{"role": "user"}]}',
    ],
)
async def test_a_request_that_cannot_be_read_is_refused_as_the_provider_would(body: bytes) -> None:
    reply = await transport().send(REQUEST._replace(body=body))

    assert reply.status == 400
    assert b"invalid_request_error" in reply.body


@pytest.mark.parametrize(
    "fault",
    [faults.Reset(), faults.Refused(), faults.Reset(after=0), faults.Cut(how="lost"), faults.BadChunk()],
)
async def test_a_broken_connection_is_an_error_of_the_transport(fault: faults.Fault) -> None:
    with pytest.raises(TransportError):
        await transport(Rule(fault=fault)).send(WHOLE)


async def test_what_came_before_the_break_is_read_first() -> None:
    async with pieces(transport(Rule(fault=faults.Reset(after=2)))) as found:
        assert len(found) == 3
        assert b"reset" in found[-1]


async def test_a_closed_stream_ends() -> None:
    stream = await transport().open(REQUEST)
    await stream.read()
    stream.close()

    assert await stream.read() == b""


async def test_calls_are_numbered_for_each_model() -> None:
    sim = transport(Rule(call=2, fault=faults.Status(status=503)))
    other = WHOLE._replace(body=WHOLE.body.replace(b'"m"', b'"other"'))

    assert [(await sim.send(request)).status for request in (WHOLE, other, WHOLE, WHOLE)] == [
        200,
        200,
        503,
        200,
    ]


SLOW = Rule(answer=Answer(text="Hello", latency=0.001, pace=0.001))
STALLED = Rule(answer=Answer(text="Hello"), fault=faults.Stall(after=1))


async def _stalls() -> bytes:
    stream = await transport(STALLED).open(REQUEST)
    first = await stream.read()
    await stream.read()
    return first


async def test_pauses_are_kept_on_asyncio() -> None:
    async with pieces(transport(SLOW)) as found:
        assert b"Hello" in b"".join(found)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_stalls(), 0.01)


def test_pauses_are_kept_on_trio() -> None:
    async def main() -> None:
        async with pieces(transport(SLOW)) as found:
            assert b"Hello" in b"".join(found)
        with trio.move_on_after(0.01) as scope:
            await _stalls()
        assert scope.cancelled_caught

    trio.run(main)
