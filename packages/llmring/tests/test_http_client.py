"""A ring over the user's own HTTP client: all of its traffic, seen by respx, on asyncio and on trio."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import respx
from llmring import (
    ConfigurationError,
    LLMRequest,
    LLMRing,
    Message,
    Policy,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    RetryPolicy,
)
from llmring_providers import HttpProvider
from llmring_providers.sim import SimTransport

MAIN = Callable[[], Coroutine[Any, Any, None]]
CHAT = "https://api.openai.com/v1/chat/completions"
ASK = LLMRequest(messages=[Message(role="user", content="Hi")], model="openai:gpt-4o")
WHOLE = {
    "choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1},
}
STREAM = (
    b'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "lo"}, "finish_reason": "stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[MAIN], None]:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-hunter2")
    monkeypatch.setenv("GEMINI_API_KEY", "sk-hunter2")
    return lambda main: anyio.run(main, backend=request.param)


@pytest.fixture
def mocked() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def ring(client: httpx.AsyncClient | httpx2.AsyncClient, **settings: Any) -> LLMRing:
    return LLMRing(http_client=client, policy=Policy(retry=RetryPolicy(attempts=1)), **settings)


def test_a_call_is_seen_by_the_mocks_of_the_client(
    run: Callable[[MAIN], None], mocked: respx.MockRouter
) -> None:
    route = mocked.post(CHAT).respond(json=WHOLE, headers={"x-request-id": "r1"})

    async def main() -> None:
        async with httpx.AsyncClient() as client:
            async with ring(client) as own:
                answer = await own.chat(ASK)
            assert (answer.content, answer.request_id) == ("Hello", "r1")
            assert not client.is_closed

    run(main)
    assert route.calls.last.request.headers["authorization"] == "Bearer sk-hunter2"
    assert route.calls.last.request.extensions["timeout"]["read"] is None


def test_a_stream_is_too(run: Callable[[MAIN], None], mocked: respx.MockRouter) -> None:
    mocked.post(CHAT).respond(content=STREAM, content_type="text/event-stream")

    async def main() -> None:
        async with httpx.AsyncClient() as client, ring(client) as own:
            text = [chunk.delta async for chunk in own.chat_stream(ASK)]
        assert "".join(filter(None, text)) == "Hello"

    run(main)


def test_the_list_of_models_is_too(run: Callable[[MAIN], None], mocked: respx.MockRouter) -> None:
    mocked.get("https://api.openai.com/v1/models").respond(json={"data": [{"id": "gpt-9"}]})

    async def main() -> None:
        async with httpx.AsyncClient() as client, ring(client) as own:
            provider = own.providers["openai"]
            assert isinstance(provider, HttpProvider)
            assert [facts.model for facts in await provider.models()] == ["gpt-9"]

    run(main)


def test_reports_to_the_usage_server_are_too(run: Callable[[MAIN], None], mocked: respx.MockRouter) -> None:
    mocked.post(CHAT).respond(json=WHOLE)
    reports = mocked.route(host="usage.test").respond(json={"log_id": "1"})

    async def main() -> None:
        async with (
            httpx.AsyncClient() as client,
            ring(client, server_url="https://usage.test", api_key="k" * 20) as own,
        ):
            await own.chat(ASK)

    run(main)
    assert reports.called


def test_an_error_keeps_its_type(run: Callable[[MAIN], None], mocked: respx.MockRouter) -> None:
    mocked.post(CHAT).respond(429, json={"error": {"message": "slow down"}})

    async def main() -> None:
        async with httpx.AsyncClient() as client, ring(client) as own:
            with pytest.raises(ProviderRateLimitError):
                await own.chat(ASK)
            with pytest.raises(ProviderRateLimitError):
                async for _ in own.chat_stream(ASK):
                    pass

    run(main)


def test_a_hook_may_read_the_answer_first(run: Callable[[MAIN], None], mocked: respx.MockRouter) -> None:
    mocked.post(CHAT).respond(json=WHOLE)
    seen: list[bytes] = []

    async def hook(response: httpx.Response) -> None:
        seen.append(await response.aread())

    async def main() -> None:
        async with httpx.AsyncClient(event_hooks={"response": [hook]}) as client, ring(client) as own:
            assert (await own.chat(ASK)).content == "Hello"

    run(main)
    assert len(seen) == 1


def test_a_time_limit_that_the_user_chose_for_the_client_counts(
    run: Callable[[MAIN], None], mocked: respx.MockRouter
) -> None:
    route = mocked.post(CHAT).respond(json=WHOLE)

    async def main() -> None:
        async with httpx.AsyncClient(timeout=300) as client, ring(client) as own:
            await own.chat(ASK)

    run(main)
    assert route.calls.last.request.extensions["timeout"]["read"] == 300


def test_a_client_of_httpx2_carries_a_ring_as_well(run: Callable[[MAIN], None]) -> None:
    mock = httpx2.MockTransport(lambda _: httpx2.Response(200, json=WHOLE))

    async def main() -> None:
        async with httpx2.AsyncClient(transport=mock) as client, ring(client) as own:
            assert (await own.chat(ASK)).content == "Hello"

    run(main)


def test_something_else_is_refused() -> None:
    client: Any = httpx.Client()
    with client, pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient.*; got Client"):
        LLMRing(http_client=client)


async def test_a_transport_and_a_client_are_too_much() -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(ConfigurationError, match="not both"):
            LLMRing(http_client=client, transport=SimTransport())


async def test_a_client_that_was_closed_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hunter2")
    client = httpx.AsyncClient()
    await client.aclose()
    async with LLMRing(http_client=client, policy=Policy(retry=RetryPolicy(attempts=1))) as ring:
        with pytest.raises(
            ProviderConnectionError, match="the HTTP client is closed; give the ring an open one"
        ) as caught:
            await ring.chat(ASK)
    assert not caught.value.sent


MODELS = ["openai:gpt-4o", "anthropic:claude-haiku-4-5", "google:gemini-2.5-flash", "ollama:llama3"]


async def both_ways(own: LLMRing, model: str, kind: type[Exception], text: str | None = None) -> None:
    request = LLMRequest(messages=ASK.messages, model=model)
    with pytest.raises(kind, match=text):
        await own.chat(request)
    with pytest.raises(kind, match=text):
        async for _ in own.chat_stream(request):
            pass


@pytest.mark.parametrize("limit", [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.PoolTimeout])
@pytest.mark.parametrize("model", MODELS)
def test_a_time_limit_of_the_client_that_passes_is_a_timeout(
    run: Callable[[MAIN], None], mocked: respx.MockRouter, model: str, limit: type[Exception]
) -> None:
    mocked.route().mock(side_effect=limit)

    async def main() -> None:
        async with httpx.AsyncClient(timeout=1) as client, ring(client) as own:
            await both_ways(own, model, ProviderTimeoutError, "time limit of the HTTP client")

    run(main)


class Stalling(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield STREAM[: STREAM.index(b"lo")]
        raise httpx.ReadTimeout("")


def test_one_that_passes_in_the_middle_of_a_stream_is_a_timeout_too(
    run: Callable[[MAIN], None], mocked: respx.MockRouter
) -> None:
    mocked.post(CHAT).mock(return_value=httpx.Response(200, stream=Stalling()))

    async def main() -> None:
        async with httpx.AsyncClient(timeout=1) as client, ring(client) as own:
            with pytest.raises(ProviderTimeoutError):
                async for _ in own.chat_stream(ASK):
                    pass

    run(main)


async def refuse(response: httpx.Response | httpx2.Response) -> None:
    response.raise_for_status()


async def read_and_refuse(response: httpx.Response | httpx2.Response) -> None:
    await response.aread()
    response.raise_for_status()


@pytest.mark.parametrize(("hook", "text"), [(refuse, None), (read_and_refuse, "slow down")])
@pytest.mark.parametrize("model", MODELS)
def test_a_hook_that_raises_for_the_status_leaves_the_error_what_it_is(
    run: Callable[[MAIN], None], mocked: respx.MockRouter, model: str, hook: Any, text: str | None
) -> None:
    mocked.route().respond(429, stream=httpx.ByteStream(b'{"error": {"message": "slow down"}}'))

    async def main() -> None:
        async with httpx.AsyncClient(event_hooks={"response": [hook]}) as client, ring(client) as own:
            await both_ways(own, model, ProviderRateLimitError, text)

    run(main)


def test_a_hook_that_raises_for_the_answer_of_another_host_is_no_status_of_the_provider(
    run: Callable[[MAIN], None], mocked: respx.MockRouter
) -> None:
    mocked.post(CHAT).respond(json=WHOLE)

    async def hook(_: httpx.Response) -> None:
        httpx.Response(429, request=httpx.Request("GET", "https://token.test")).raise_for_status()

    async def main() -> None:
        async with httpx.AsyncClient(event_hooks={"response": [hook]}) as client, ring(client) as own:
            await both_ways(own, MODELS[0], ProviderConnectionError)

    run(main)
