"""One request over ASGI: bodies in pieces, bodies that are too long, clients that leave."""

import gc
import weakref
from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio
import pytest
from llmring.serve._exchange import ClientGoneError, Event, Exchange
from llmring_types.exceptions import (
    ProviderBadRequestError,
    ProviderRequestTooLargeError,
    ProviderTimeoutError,
)

GONE = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def exchange(events: Sequence[Event], headers: Sequence[tuple[bytes, bytes]] = ()) -> Exchange:
    """Return a request whose client sends these events, and nothing more."""
    coming = iter(events)

    async def receive() -> Event:
        for event in coming:
            return event
        await anyio.sleep_forever()
        raise AssertionError

    async def send(_: Event) -> None:
        raise AssertionError("nothing is answered")

    scope = {"method": "POST", "path": "/a b", "query_string": b"x=1", "headers": headers, "client": None}
    return Exchange(scope, receive, send)


def test_a_path_without_its_bytes_is_quoted_again() -> None:
    asked = exchange([])
    assert (asked.path, asked.target, asked.client) == ("/a%20b", "/a%20b?x=1", None)


async def test_a_body_in_pieces_is_one() -> None:
    assert await exchange([piece(b"ab", more=True), piece(b"cd", more=True), piece(b"")]).body(4) == b"abcd"


@pytest.mark.parametrize(
    ("events", "headers"),
    [
        ([], [(b"content-length", b"5")]),  # before anything has come
        ([], [(b"content-length", b"9" * 5000)]),
        ([piece(b"abcde")], []),
        ([piece(b"abc", more=True), piece(b"de", more=True)], []),  # before the end has come
    ],
)
async def test_a_body_beyond_the_limit_is_refused(
    events: Sequence[Event], headers: Sequence[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(ProviderRequestTooLargeError, match="larger than the 4 bytes"):
        await exchange(events, headers).body(4)


async def test_a_body_as_long_as_the_limit_is_taken() -> None:
    assert await exchange([piece(b"abcd")], [(b"content-length", b"4")]).body(4) == b"abcd"


@pytest.mark.parametrize("events", [[GONE], [piece(b"ab", more=True), GONE]])
async def test_a_client_that_leaves_amid_its_body_is_gone(events: Sequence[Event]) -> None:
    with pytest.raises(ClientGoneError):
        await exchange(events).body(4)


async def test_a_large_body_of_too_many_values_is_refused_and_one_of_large_values_is_read() -> None:
    limit = 8 * 1024 * 1024
    with pytest.raises(ProviderRequestTooLargeError, match="1,000,000 values"):
        await exchange([piece(b"[],[]," * (1024 * 1024))]).body(limit)
    picture = b'{"image": "' + b"x" * (limit - 20) + b'"}'
    assert await exchange([piece(picture)]).body(limit) == picture


@pytest.mark.parametrize("events", [[], [piece(b"ab", more=True)]])
async def test_a_body_that_does_not_arrive_is_refused_in_time(
    events: Sequence[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.serve._exchange._BODY_LIMIT_S", 0.001)
    with anyio.fail_after(5), pytest.raises(ProviderTimeoutError) as caught:
        await exchange(events).body(4)
    assert caught.value.status_code == 408


@pytest.mark.parametrize(("encoding", "refused"), [(b"gzip", True), (b"zstd", True), (b"identity", False)])
async def test_a_compressed_body_is_named_one(encoding: bytes, *, refused: bool) -> None:
    asked = exchange([piece(b"{}")], [(b"content-encoding", encoding)])
    if not refused:
        assert await asked.body(4) == b"{}"
        return
    with pytest.raises(ProviderBadRequestError, match="plain JSON") as caught:
        await asked.body(4)
    assert caught.value.status_code == 415


async def test_a_client_that_reads_no_more_of_a_stream_ends_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmring.serve._exchange._READING_LIMIT_S", 0.001)
    sent = []

    async def receive() -> Event:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(event: Event) -> None:
        sent.append(event)
        if event.get("body") == b"third":
            await anyio.sleep_forever()

    async def work() -> None:
        await asked.begin({})
        for body in (b"first", b"second", b"third"):
            await asked.write([body])

    asked = Exchange({"method": "POST", "path": "/", "headers": (), "client": None}, receive, send)
    with anyio.fail_after(5), pytest.raises(ClientGoneError):
        await asked.until_gone(work)
    assert len(sent) == 4


async def test_a_client_that_has_read_all_so_far_waits_for_a_slow_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llmring.serve._exchange._READING_LIMIT_S", 0.001)
    sent = []

    async def receive() -> Event:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(event: Event) -> None:
        sent.append(event.get("body"))

    async def work() -> None:
        await asked.begin({})
        await asked.write([b"first"])
        await anyio.sleep(0.02)
        await asked.write([b"", b"second"])
        await asked.end()

    asked = Exchange({"method": "POST", "path": "/", "headers": (), "client": None}, receive, send)
    await asked.until_gone(work)
    assert sent == [None, b"first", b"second", b""]


async def test_work_ends_when_the_client_leaves() -> None:
    async def work() -> None:
        await anyio.sleep_forever()

    with pytest.raises(ClientGoneError):
        await exchange([piece(b""), GONE]).until_gone(work)


async def test_work_that_fails_fails_with_its_own_error() -> None:
    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await exchange([]).until_gone(work)


async def test_work_that_is_done_waits_for_no_client() -> None:
    done = []

    async def work() -> None:
        done.append(True)

    await exchange([]).until_gone(work)
    assert done == [True]


async def test_a_request_leaves_nothing_to_the_garbage_collector() -> None:
    async def send(_: Event) -> None:
        return

    scope = {"method": "POST", "path": "/", "headers": (), "client": None}
    asked = Exchange(scope, exchange([])._receive, send)
    left = weakref.ref(asked)
    gc.disable()
    try:
        await asked.until_gone(partial(asked.begin, {}))
        del asked
        await anyio.wait_all_tasks_blocked()
        assert left() is None
    finally:
        gc.enable()
