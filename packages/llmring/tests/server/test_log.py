"""A ring that reports to the usage server: its double, over real HTTP on loopback."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
import trio
from canned import Answer, Server, Stalling
from llmring import LLMRequest, LLMRing, Message, Policy, RetryPolicy
from llmring.exceptions import (
    ConfigurationError,
    ProviderOverloadedError,
    ServerConnectionError,
    StreamInterruptedError,
)
from llmring.server import ServerClient, ServerLog
from llmring_providers.transport import (
    AutoTransport,
    ByteStream,
    HttpRequest,
    HttpResponse,
    TransportError,
    refuse_network,
)
from records import record
from usage_server import UsageServer

KEY = "llmr_pk_secret"
LOG, CONVERSATION = "/api/v1/log", "/api/v1/conversations/log"
ONCE = Policy(retry=RetryPolicy(attempts=1))
HELLO = [Message(role="user", content="Hello")]
SSE = {"content-type": "text/event-stream"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}


@pytest.fixture
async def double() -> AsyncIterator[UsageServer]:
    async with UsageServer() as double:
        yield double


def ring_on(double: UsageServer, provider: Server | None = None, **more: Any) -> LLMRing:
    ring = LLMRing(server_url=double.url, api_key=KEY, origin="tests", policy=ONCE, **more)
    if provider is not None:
        ring.register_provider("openai", api_key="sk-secret", base_url=provider.url)
    return ring


def event(usage: object = None, **choice: object) -> bytes:
    body = {"id": "c1", "model": "gpt-4o-mini", "choices": [choice] if choice else [], "usage": usage}
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def ask(model: str = "sim:demo") -> LLMRequest:
    return LLMRequest(messages=HELLO, model=model)


async def test_a_call_is_one_row_with_its_alias_profile_and_cost(
    double: UsageServer, server: Server, lockfile: Path
) -> None:
    llmring_lockfile.bind(lockfile, "fast", "openai:gpt-4o-mini", profile="prod")
    usage = {"prompt_tokens": 1000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 400}}
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
    server.answers = [Answer(msgspec.json.encode(body))]
    async with ring_on(double, server) as ring:
        response = await ring.chat(ask("fast"), profile="prod")
    (row,) = double.store.rows[KEY]
    assert response.usage is not None
    assert (row["provider"], row["model"], row["alias"], row["profile"], row["origin"]) == (
        "openai",
        "gpt-4o-mini",
        "fast",
        "prod",
        "tests",
    )
    assert (row["input_tokens"], row["output_tokens"], row["cached_input_tokens"]) == (1000, 100, 400)
    assert row["cost"] == response.usage["cost"]
    assert [asked.path for asked in double.asked] == [LOG]


async def test_a_conversation_is_stored_first_and_the_row_names_it(double: UsageServer) -> None:
    async with ring_on(double, log_conversations=True) as ring:
        response = await ring.chat(ask())
    (stored,), (row,) = double.store.kept[KEY], double.store.rows[KEY]
    assert [message["content"] for message in stored["messages"]] == ["Hello", response.content]
    assert (row["id_at_origin"], row["metadata"]["conversation_id"]) == (stored["id"], stored["id"])


async def test_a_stream_is_reported_with_its_real_content_and_tool_calls(
    double: UsageServer, server: Server
) -> None:
    body = (
        event(delta={"content": "Hel"})
        + event(delta={"content": "lo", "tool_calls": [{"index": 0, **CALL}]})
        + event(delta={}, finish_reason="tool_calls")
        + event({"prompt_tokens": 7, "completion_tokens": 3})
        + b"data: [DONE]\n\n"
    )
    server.answers = [Answer(body, headers=SSE)]
    async with ring_on(double, server, log_conversations=True) as ring:
        async for _ in ring.chat_stream(ask("openai:gpt-4o-mini")):
            pass
    (exchange,), (row,) = double.posted(CONVERSATION), double.posted(LOG)
    assert exchange["response"]["content"] == "Hello"
    assert exchange["response"]["finish_reason"] == "tool_calls"
    assert exchange["response"]["tool_calls"] == [CALL]
    assert (row["input_tokens"], row["output_tokens"], row["metadata"]["streamed"]) == (7, 3, True)


async def test_an_aborted_stream_is_reported_with_what_had_come_as_an_estimate(double: UsageServer) -> None:
    async with (
        Stalling(event(delta={"content": "Hello " * 40})) as stalling,
        ring_on(double, log_conversations=True) as ring,
    ):
        ring.register_provider("openai", api_key="k", base_url=stalling.url)
        async for chunk in ring.chat_stream(ask("openai:gpt-4o-mini")):
            assert chunk.delta
            break
        gc.collect()
    (exchange,), (row,) = double.posted(CONVERSATION), double.posted(LOG)
    assert exchange["response"]["content"] == "Hello " * 40
    assert row["output_tokens"] == 60
    assert row["cost"] > 0
    assert (row["metadata"]["estimated"], row["metadata"]["ending"]) == (True, "aborted")


async def test_a_cut_stream_is_reported_and_a_failed_call_that_used_nothing_is_not(
    double: UsageServer, server: Server
) -> None:
    server.answers = [Answer(event(delta={"content": "Hel"}), headers=SSE), Answer(b"{}", 503)]
    async with ring_on(double, server) as ring:
        with pytest.raises(StreamInterruptedError):
            async for _ in ring.chat_stream(ask("openai:gpt-4o-mini")):
                pass
        with pytest.raises(ProviderOverloadedError):
            await ring.chat(ask("openai:gpt-4o-mini"))
    (row,) = double.posted(LOG)
    assert (row["metadata"]["ending"], row["metadata"]["error"]) == ("failed", "StreamInterruptedError")


async def test_content_that_is_a_list_is_told_as_text(double: UsageServer) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "text", "text": "Say."}]
    async with ring_on(double, log_conversations=True) as ring:
        await ring.chat(LLMRequest(messages=[Message(role="user", content=parts)], model="sim:demo"))
    assert double.store.kept[KEY][0]["messages"][0]["content"] == "What is this?\nSay."


async def test_the_row_is_stored_though_the_conversation_is_refused(
    double: UsageServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("llmring.server._log.conversation", lambda _: b"{}")
    async with ring_on(double, log_conversations=True) as ring:
        await ring.chat(ask())
        await ring.chat(ask())
    assert len(double.store.rows[KEY]) == 2
    assert len(caplog.records) == 1
    assert "422" in caplog.text


async def test_the_answer_does_not_wait_for_the_server(double: UsageServer) -> None:
    double.answering.clear()
    async with ring_on(double, log_conversations=True) as ring:
        response = await ring.chat(ask())
        assert response.content
        assert double.asked == []  # nothing was sent while the caller waited
        await double.arrived.wait()
        await ring.chat(ask())
        double.answering.set()
    assert len(double.store.rows[KEY]) == 2


async def test_a_server_that_hangs_delays_closing_by_no_more_than_its_limit(
    double: UsageServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    double.answering.clear()
    async with ring_on(double) as ring:
        for _ in range(30):
            await ring.chat(ask())
        await double.arrived.wait()
        (observer,) = ring._chat.watcher.observers._observers
        monkeypatch.setattr(observer._delivery, "_close_limit_s", 0.01)  # type: ignore[attr-defined]
    assert [message for message in caplog.messages if "30 records" in message]
    assert len(caplog.records) == 1
    assert "llmring usage delivery" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_server_that_is_away_costs_one_warning_and_nothing_else(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with LLMRing(server_url="http://127.0.0.1:1", api_key=KEY, log_conversations=True) as ring:
        for _ in range(20):
            assert (await ring.chat(ask())).content
            await asyncio.sleep(0)
    assert [entry.levelno for entry in caplog.records] == [logging.WARNING]
    assert "127.0.0.1:1" in caplog.text
    assert KEY not in caplog.text


async def test_what_was_kept_back_while_the_server_was_away_is_stored_once(
    double: UsageServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with ring_on(double, log_conversations=True) as ring:
        double.drops = 2  # the request and its second try
        await ring.chat(ask())
        await double.arrived.wait()
        await ring.chat(ask())
    assert len(double.store.rows[KEY]) == len(double.store.kept[KEY]) == 2
    assert len(caplog.records) == 1


async def test_a_conversation_is_not_stored_again_because_its_row_was_not(double: UsageServer) -> None:
    transport = LosesRows()
    log = ServerLog(ServerClient(double.url, KEY, transport=transport), conversations=True)
    log(record())
    await log.aclose()
    assert transport.rows >= 4  # the record was tried twice, and its row twice each time
    assert len(double.posted(CONVERSATION)) == 1


class LosesRows:
    """A transport that never gets a row through."""

    def __init__(self) -> None:
        self._below = AutoTransport()
        self.rows = 0

    async def send(self, request: HttpRequest) -> HttpResponse:
        if request.url.endswith(LOG):
            self.rows += 1
            raise TransportError("lost")
        return await self._below.send(request)

    async def open(self, request: HttpRequest) -> ByteStream:
        raise NotImplementedError

    async def aclose(self) -> None:
        await self._below.aclose()


async def test_what_got_no_answer_in_time_is_not_sent_again(
    double: UsageServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be stored already. The row does without the conversation then."""
    double.answering.clear()
    client = ServerClient(double.url, KEY, transport=AutoTransport(), timeout_s=0.02)
    log = ServerLog(client, conversations=True)
    log(record())
    await log.aclose()
    assert [asked.path for asked in double.asked] == [CONVERSATION, LOG]
    assert len(caplog.records) == 1
    assert "may not be stored" in caplog.text


async def test_a_conversation_is_kept_back_with_its_row_while_the_server_is_away(double: UsageServer) -> None:
    client = ServerClient(double.url, KEY, transport=AutoTransport())
    log = ServerLog(client, conversations=True)
    double.drops = 2
    log(record())
    await log.aclose()
    assert len(double.store.kept[KEY]) == len(double.store.rows[KEY]) == 1


@pytest.mark.parametrize("status", [401, 422, 500])
async def test_a_refusal_costs_one_warning(
    double: UsageServer, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    double.refusal = status
    async with ring_on(double) as ring:
        for _ in range(5):
            await ring.chat(ask())
    assert len(caplog.records) == 1
    assert str(status) in caplog.text
    assert len(double.asked) == 5


async def test_a_server_that_is_too_slow_costs_one_warning(
    double: UsageServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ring_on(double) as ring:
        (observer,) = ring._chat.watcher.observers._observers
        monkeypatch.setattr(observer._delivery, "_size", 3)  # type: ignore[attr-defined]
        for _ in range(9):
            await ring.chat(ask())
        assert [message for message in caplog.messages if "too slow" in message] == caplog.messages != []
    assert len(double.store.rows[KEY]) == 3


async def test_a_network_that_is_refused_costs_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with refuse_network():
        async with LLMRing(server_url="https://usage.example", api_key=KEY) as ring:
            for _ in range(3):
                assert (await ring.chat(ask())).content
    assert len(caplog.records) == 1
    assert "the network is refused" in caplog.text


async def test_a_record_that_is_no_json_costs_one_warning(
    double: UsageServer, caplog: pytest.LogCaptureFixture
) -> None:
    request = LLMRequest(messages=HELLO, model="sim:demo", metadata={"odd": "\ud800"})
    async with ring_on(double, log_conversations=True) as ring:
        await ring.chat(request)
        await ring.chat(ask())
    assert len(double.store.rows[KEY]) == 1
    assert len(caplog.records) == 1


async def test_later_changes_of_the_callers_list_are_not_in_the_report(double: UsageServer) -> None:
    messages = list(HELLO)
    async with ring_on(double, log_conversations=True) as ring:
        request = LLMRequest(messages=messages, model="sim:demo")
        response = await ring.chat(request)
        messages += [response.to_message(), Message(role="user", content="And now?")]
        request.model = "other"
    assert [message["content"] for message in double.posted(CONVERSATION)[0]["messages"]] == ["Hello"]


SILENT: list[dict[str, object]] = [
    {},
    {"log_conversations": True},
    {"server_url": "", "log_conversations": True},
]


@pytest.mark.parametrize("arguments", SILENT)
async def test_without_a_server_there_is_silence(
    arguments: dict[str, Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LLMRing(**arguments) as ring:
        await ring.chat(ask())
        assert not ring._chat.watcher.observers
        assert ring.server_client is None
    assert caplog.records == []


async def test_both_flags_off_report_nothing_and_the_server_can_still_be_asked(double: UsageServer) -> None:
    async with ring_on(double, log_metadata=False) as ring:
        await ring.chat(ask())
        assert ring.server_client is not None
        assert (await ring.server_client.stats())["summary"]["total_requests"] == 0
    assert double.posted(LOG) == []


async def test_the_environment_names_server_and_key(
    double: UsageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_SERVER_URL", double.url)
    monkeypatch.setenv("LLMRING_API_KEY", KEY)
    async with LLMRing() as ring:
        await ring.chat(ask())
    assert len(double.store.rows[KEY]) == 1


def test_the_hosted_server_is_used_only_by_those_who_prefer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LLMRing().server_url is None
    monkeypatch.setenv("LLMRING_PREFER_SAAS", "yes")
    assert LLMRing().server_url == "https://api.llmring.ai"
    assert LLMRing(server_url="").server_client is None


def test_a_url_that_is_none_is_told_when_the_ring_is_made() -> None:
    with pytest.raises(ConfigurationError):
        LLMRing(server_url="nowhere")


def test_nothing_that_is_printed_shows_the_key() -> None:
    ring = LLMRing(server_url="http://127.0.0.1:1", api_key=KEY)
    assert KEY not in repr([ring, vars(ring), vars(ring._chat), ring.server_client])


async def test_a_ring_that_was_closed_reports_again(double: UsageServer) -> None:
    ring = ring_on(double)
    for count in (1, 2):
        await ring.chat(ask())
        await ring.close()
        assert len(double.store.rows[KEY]) == count


def test_a_ring_on_several_loops_reports_all_calls() -> None:
    async def once(ring: LLMRing) -> None:
        await ring.chat(ask())

    async def main() -> None:
        async with UsageServer() as double, ring_on(double) as ring:
            await asyncio.to_thread(lambda: asyncio.run(once(ring)))
            await ring.chat(ask())
            await ring.close()
            assert len(double.store.rows[KEY]) == 2

    asyncio.run(main())


def test_trio_delivers_in_the_background_and_on_closing() -> None:
    sent: list[HttpRequest] = []

    class Transport:
        async def send(self, request: HttpRequest) -> HttpResponse:
            await trio.lowlevel.checkpoint()
            sent.append(request)
            return HttpResponse(200, {}, b'{"log_id": "1"}')

        async def open(self, request: HttpRequest) -> ByteStream:
            raise NotImplementedError

        async def aclose(self) -> None:
            await trio.lowlevel.checkpoint()

    async def main() -> None:
        ring = LLMRing(observers=[ServerLog(ServerClient("http://h", KEY, transport=Transport()))])
        await ring.chat(ask())
        assert sent == []
        await ring.close()
        assert [request.url for request in sent] == [f"http://h{LOG}"]

    trio.run(main)


async def test_the_first_error_of_the_client_is_the_transports_reason() -> None:
    client = ServerClient("http://127.0.0.1:1", KEY, transport=AutoTransport())
    with pytest.raises(ServerConnectionError, match="usage server cannot be reached"):
        await client.health()
    await client.aclose()


async def test_what_a_host_repeats_of_a_key_is_not_reported(double: UsageServer) -> None:
    key = "sk-key-given-to-the-ring"
    body = {"model": "m", "choices": [{"message": {"content": f"You sent {key}"}, "finish_reason": "stop"}]}
    async with Server() as provider:
        provider.answers = [Answer(msgspec.json.encode(body))]
        async with LLMRing(server_url=double.url, api_key=KEY, log_conversations=True) as ring:
            ring.register_provider("openai", api_key=key, base_url=provider.url)
            response = await ring.chat(
                LLMRequest(model="openai:m", messages=HELLO, metadata={"seen": f"Bearer {key}"})
            )
    assert key in (response.content or "")
    reported = repr(double.posted(LOG)) + repr(double.posted(CONVERSATION))
    assert "You sent REDACTED" in reported
    assert key not in reported
