"""The client of the usage server against its double, over real HTTP on loopback."""

import asyncio
import base64
from collections.abc import AsyncIterator

import msgspec
import pytest
from canned import Answer, Server
from llmring.exceptions import (
    ConfigurationError,
    ServerAuthenticationError,
    ServerConnectionError,
    ServerError,
    ServerResponseError,
    ServerTimeoutError,
)
from llmring.server import ServerClient
from llmring_providers.transport import AutoTransport
from usage_server import UsageServer

KEY = "llmr_pk_secret"
ROW = {"provider": "openai", "model": "gpt-4o", "input_tokens": 100, "output_tokens": 50, "cost": 0.01}
EXCHANGE = {
    "messages": [{"role": "user", "content": "hi"}],
    "response": {"content": "hello"},
    "metadata": {"provider": "openai", "model": "gpt-4o"},
}
encode = msgspec.json.encode


def client_on(url: str, key: str = KEY, timeout_s: float = 5.0) -> ServerClient:
    return ServerClient(url, key, transport=AutoTransport(), timeout_s=timeout_s)


@pytest.fixture
async def double() -> AsyncIterator[UsageServer]:
    async with UsageServer() as double:
        yield double


@pytest.fixture
async def client(double: UsageServer) -> AsyncIterator[ServerClient]:
    client = client_on(double.url + "/")
    yield client
    await client.aclose()


async def test_what_was_told_can_be_asked_for(client: ServerClient) -> None:
    await client.log(encode({**ROW, "alias": "fast", "origin": "app"}))
    await client.log(encode({**ROW, "model": "gpt-4o-mini"}))
    assert (await client.health())["status"] == "healthy"
    assert (await client.stats(group_by="day"))["summary"]["total_cost"] == "0.02000000"
    assert [row["model"] for row in await client.logs()] == ["gpt-4o-mini", "gpt-4o"]
    assert [row["alias"] for row in await client.logs(alias="fast", origin="app", limit=1)] == ["fast"]


async def test_a_conversation_is_given_without_the_key_that_the_server_puts_into_it(
    client: ServerClient, double: UsageServer
) -> None:
    identifier = await client.log_conversation(encode(EXCHANGE))
    found = await client.conversation(identifier)
    listed = await client.conversations(limit=5)
    messages = await client.messages(identifier, limit=1)
    assert [message["content"] for message in found["messages"]] == ["hi", "hello"]
    assert [message["content"] for message in messages] == ["hi"]
    assert (await client.conversation(identifier, include_messages=False))["messages"] == []
    assert [each["id"] for each in listed] == [identifier]
    assert KEY not in str([found, listed, messages])
    assert double.store.kept[KEY][0]["api_key_id"] == KEY


async def test_both_headers_that_servers_look_at_carry_the_key(
    client: ServerClient, double: UsageServer
) -> None:
    await client.stats()
    headers = {name.lower(): value for name, value in double.asked[0].headers.items()}
    assert (headers["x-api-key"], headers["authorization"]) == (KEY, f"Bearer {KEY}")


async def test_only_canonical_paths_are_asked_for(client: ServerClient, double: UsageServer) -> None:
    await client.conversations()
    await client.logs()
    await client.stats()
    await client.log(encode(ROW))
    assert len(double.asked) == 4


REFUSED: list[tuple[dict[str, object], str, type[ServerError], str]] = [
    (ROW, "", ServerAuthenticationError, "Authentication required"),
    ({**ROW, "provider": None}, KEY, ServerResponseError, "body.provider: string type"),
    ({**ROW, "cost": 100}, KEY, ServerResponseError, "500.*Internal Server Error"),
]


@pytest.mark.parametrize(("row", "key", "kind", "text"), REFUSED)
async def test_a_refusal_is_a_typed_error_that_says_why(
    double: UsageServer, row: dict[str, object], key: str, kind: type[ServerError], text: str
) -> None:
    client = client_on(double.url, key)
    with pytest.raises(kind, match=text) as caught:
        await client.log(encode(row))
    await client.aclose()
    assert type(caught.value) is kind
    assert caught.value.endpoint == "/api/v1/log"
    assert len(double.asked) == 1


STATUSES: list[tuple[int, type[ServerError]]] = [
    (400, ServerResponseError),
    (403, ServerAuthenticationError),
    (404, ServerResponseError),
    (500, ServerResponseError),
    (502, ServerConnectionError),
    (503, ServerConnectionError),
    (504, ServerTimeoutError),
]


@pytest.mark.parametrize(("status", "kind"), STATUSES)
async def test_each_status_has_its_error(
    client: ServerClient, double: UsageServer, status: int, kind: type[ServerError]
) -> None:
    double.refusal = status
    with pytest.raises(kind) as caught:
        await client.stats()
    assert type(caught.value) is kind
    assert caught.value.status_code == status


async def test_an_unknown_conversation_is_a_404_and_what_is_no_id_is_not_asked_for(
    client: ServerClient, double: UsageServer
) -> None:
    with pytest.raises(ServerResponseError, match="Conversation not found") as caught:
        await client.conversation("00000000-0000-4000-8000-000000000000")
    assert caught.value.status_code == 404
    with pytest.raises(ServerResponseError, match="is not the id"):
        await client.conversation("../log")
    assert len(double.asked) == 1


async def test_rows_that_follow_an_error_are_stored_though_the_server_drops_the_connection(
    client: ServerClient, double: UsageServer
) -> None:
    for place in range(20):
        with pytest.raises(ServerResponseError):
            await client.log(encode({**ROW, "cost": 100}))
        await client.log(encode({**ROW, "id_at_origin": str(place)}))
    stored = [row["id_at_origin"] for row in double.store.rows[KEY]]
    assert stored == [str(place) for place in range(20)]


async def test_a_dropped_connection_is_tried_once_more_and_then_an_error(
    client: ServerClient, double: UsageServer
) -> None:
    double.drops = 1
    await client.log(encode(ROW))
    assert len(double.store.rows[KEY]) == 1
    double.drops = 2
    with pytest.raises(ServerConnectionError, match=r"127\.0\.0\.1"):
        await client.log(encode(ROW))
    assert len(double.store.rows[KEY]) == 1


async def test_nobody_there_is_a_connection_error_that_names_the_host() -> None:
    client = client_on("http://127.0.0.1:1")
    with pytest.raises(ServerConnectionError, match=r"127\.0\.0\.1:1") as caught:
        await client.stats()
    assert KEY not in str(caught.value)


async def test_no_answer_in_time_is_an_error_of_its_own_and_is_not_tried_again(double: UsageServer) -> None:
    client = client_on(double.url, timeout_s=0.05)
    double.answering.clear()
    with pytest.raises(ServerTimeoutError) as caught:
        await client.log(encode(ROW))
    await client.aclose()
    assert isinstance(caught.value, TimeoutError)
    assert len(double.asked) == 1


async def test_a_redirect_within_the_server_is_followed_with_body_and_key(double: UsageServer) -> None:
    moved = Answer(b"", 307, {"location": f"{double.url}/api/v1/log"})
    async with Server() as front:
        front.answers = [moved]
        client = client_on(front.url)
        await client.log(encode(ROW))
        await client.aclose()
    assert [row["model"] for row in double.store.rows[KEY]] == ["gpt-4o"]


@pytest.mark.parametrize("target", ["http://localhost:1/api/v1/log", "ftp://127.0.0.1/", ""])
async def test_the_key_does_not_follow_a_redirect_to_another_host(target: str) -> None:
    async with Server() as front:
        front.answers = [Answer(b"", 307, {"location": target})]
        client = client_on(front.url)
        with pytest.raises(ServerResponseError):
            await client.log(encode(ROW))
        await client.aclose()


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"detail": ' + b"[" * 100_000])
async def test_an_answer_that_is_nested_without_end_is_one_typed_error(body: bytes) -> None:
    async with Server() as server:
        for status in (200, 500):
            server.answers = [Answer(body, status=status)]
            client = client_on(server.url)
            with pytest.raises(ServerResponseError):
                await client.stats()
            await client.aclose()


async def test_a_key_that_the_server_repeats_in_base64_is_not_shown() -> None:
    coded = base64.b64encode(f"x-api-key: {KEY}".encode())
    async with Server() as server:
        server.answers = [Answer(b'{"detail": "who is ' + coded + b'?"}', status=403)]
        client = client_on(server.url)
        with pytest.raises(ServerAuthenticationError) as caught:
            await client.stats()
        await client.aclose()
    assert coded.decode() not in str(caught.value)


async def test_a_key_that_the_server_repeats_is_not_shown() -> None:
    async with Server() as front:
        front.answers = [Answer(b'{"detail": "bad X-API-Key ' + KEY.encode() + b'"}', 400)]
        client = client_on(front.url)
        with pytest.raises(ServerAuthenticationError, match=r"bad X-API-Key \*\*\*"):
            await client.log(encode(ROW))
        await client.aclose()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"conversation_id": 1}', b"\xff"])
async def test_an_answer_that_is_not_the_protocols_is_an_error(body: bytes) -> None:
    async with Server() as front:
        front.answers = [Answer(body)]
        client = client_on(front.url)
        with pytest.raises(ServerResponseError):
            await client.log_conversation(encode(EXCHANGE))
        await client.aclose()


@pytest.mark.parametrize("body", [b"[1]", b'"ok"', b"null", b"1"])
async def test_whoever_answers_in_other_shapes_is_no_usage_server(body: bytes) -> None:
    async with Server() as front:
        front.answers = [Answer(body)]
        client = client_on(front.url)
        for ask in (client.health, client.stats, client.logs, client.conversations):
            with pytest.raises(ServerResponseError, match=r"is it a usage server\?"):
                await ask()
        await client.aclose()


@pytest.mark.parametrize(
    "url", ["", "localhost:9100", "ftp://host", "http://", "http://user:pw@host", "http://[::1"]
)
def test_a_url_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigurationError, match="http://HOST") as caught:
        client_on(url)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("key", ["a b", "a\nb", "schlüssel", "k" * 256])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_on("http://127.0.0.1:1", key)
    assert key not in str(caught.value)


def test_what_is_printed_shows_no_key() -> None:
    assert repr(client_on("http://host:1")) == "ServerClient(host='host:1', key=set)"


async def test_several_requests_at_once_share_the_client(client: ServerClient, double: UsageServer) -> None:
    await asyncio.gather(*(client.log(encode(ROW)) for _ in range(20)))
    assert len(double.store.rows[KEY]) == 20
