"""Requests that are too long for the model."""

from pathlib import Path

import llmring_lockfile
import msgspec
import pytest
from canned import Answer, Server, Stalling
from llmring import LLMRequest, LLMRing, Message, Policy, RetryPolicy
from llmring._policy import ContextCheck
from llmring.exceptions import (
    ConfigurationError,
    ProviderNotFoundError,
    ProviderRequestTooLargeError,
    ProviderResponseError,
    ProviderTimeoutError,
)
from llmring.testing import FakeProvider
from llmring.tokens import context_problem
from llmring_types import ModelFacts

# gpt-4 has a window of 8,192 tokens less its answer; gpt-4o-mini's is far larger.
LONG = "word " * 20_000
SHORT = "word"


def ask(text: str, model: str = "openai:gpt-4", max_tokens: int | None = None) -> LLMRequest:
    return LLMRequest(messages=[Message(role="user", content=text)], model=model, max_tokens=max_tokens)


def answer(prompt_tokens: int | None = 25_000) -> Answer:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 1} if prompt_tokens else None
    body = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage}
    return Answer(msgspec.json.encode(body))


def ring_on(server: Server, check: ContextCheck | None = None) -> LLMRing:
    once = RetryPolicy(attempts=1)
    ring = LLMRing(policy=Policy(retry=once) if check is None else Policy(retry=once, context_check=check))
    ring.register_provider("openai", api_key="k", base_url=server.url)
    return ring


async def test_unless_told_otherwise_it_is_a_warning(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server) as ring:
        response = await ring.chat(ask(LONG))
        short = await ring.chat(ask(SHORT))
    (warning,) = response.warnings
    assert "the request has about 25,004 tokens, but openai:gpt-4 takes" in warning
    assert short.warnings == []


async def test_a_stream_has_the_warning_on_its_last_chunk(server: Server) -> None:
    server.answers = [
        Answer(
            b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
        )
    ]
    async with ring_on(server) as ring:
        chunks = [chunk async for chunk in ring.chat_stream(ask(LONG))]
    assert chunks[-1].warnings is not None
    assert "about 25,004 tokens" in chunks[-1].warnings[0]


async def test_an_estimate_that_the_provider_refutes_is_no_warning(server: Server) -> None:
    server.answers = [answer(prompt_tokens=100)]
    async with ring_on(server) as ring:
        assert (await ring.chat(ask(LONG))).warnings == []


async def test_an_answer_longer_than_the_model_gives_is_a_warning(server: Server) -> None:
    server.answers = [answer(prompt_tokens=5)]
    async with ring_on(server) as ring:
        response = await ring.chat(ask(SHORT, "openai:gpt-4o-mini", max_tokens=50_000))
    assert "max_tokens is 50,000, but openai:gpt-4o-mini answers with" in response.warnings[0]


async def test_as_an_error_nothing_is_sent(server: Server) -> None:
    async with ring_on(server, "error") as ring:
        with pytest.raises(ProviderRequestTooLargeError, match="nothing was sent") as caught:
            await ring.chat(ask(LONG))
        with pytest.raises(ProviderRequestTooLargeError):
            await anext(ring.chat_stream(ask(LONG)))
    assert (caught.value.provider, caught.value.model) == ("openai", "gpt-4")
    assert server.asked == []


async def test_as_an_error_a_pool_moves_on_to_a_model_that_it_fits(server: Server, lockfile: Path) -> None:
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-4,openai:gpt-4o-mini")
    server.answers = [answer()]
    async with ring_on(server, "error") as ring:
        response = await ring.chat(ask(LONG, "pool"))
    assert response.model == "openai:gpt-4o-mini"
    assert [attempt.outcome for attempt in response.attempts] == ["skipped", "ok"]
    assert response.warnings == []


@pytest.mark.parametrize("check", ["error", "exact"])
async def test_a_member_without_a_key_is_passed_over_whatever_its_size(
    server: Server, lockfile: Path, check: ContextCheck
) -> None:
    llmring_lockfile.bind(lockfile, "pool", "anthropic:claude-haiku-4-5,openai:gpt-4o-mini")
    server.answers = [answer()]
    async with ring_on(server, check) as ring:
        response = await ring.chat(ask(SHORT, "pool"))
    assert [attempt.outcome for attempt in response.attempts] == ["skipped", "ok"]
    assert "is not configured" in str(response.attempts[0].message)


def counted(tokens: int) -> Answer:
    return Answer(msgspec.json.encode({"object": "response.input_tokens", "input_tokens": tokens}))


def asked_paths(server: Server) -> list[str]:
    """A count has ``input``, a chat call ``messages``."""
    return ["count" if "input" in body else "chat" for body in server.asked]


async def test_by_exact_count_a_request_passes_that_the_estimate_would_refuse(server: Server) -> None:
    server.answers = [counted(8_000), answer(8_000)]
    async with ring_on(server, "exact") as ring:
        assert (await ring.chat(ask(LONG))).content == "Hi"
    assert asked_paths(server) == ["count", "chat"]


async def test_by_exact_count_nothing_is_sent_that_does_not_fit(server: Server) -> None:
    server.answers = [counted(90_000)]
    async with ring_on(server, "exact") as ring:
        for send in (ring.chat, lambda request: anext(ring.chat_stream(request))):
            with pytest.raises(ProviderRequestTooLargeError, match="has 90,000 tokens"):
                await send(ask("word " * 5_000))
    assert asked_paths(server) == ["count", "count"]


async def test_a_pool_is_counted_up_to_the_model_that_it_fits(server: Server, lockfile: Path) -> None:
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-4,openai:gpt-4o-mini,openai:gpt-4-turbo")
    server.answers = [counted(90_000), answer()]
    async with ring_on(server, "exact") as ring:
        response = await ring.chat(ask(LONG, "pool"))
    assert response.model == "openai:gpt-4o-mini"
    assert asked_paths(server) == ["count", "chat"]  # the large one is not in doubt


async def test_what_surely_fits_is_not_counted(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server, "exact") as ring:
        await ring.chat(ask(SHORT))
    assert asked_paths(server) == ["chat"]


async def test_where_the_provider_cannot_count_the_estimate_stands(server: Server) -> None:
    server.answers = [Answer(b'{"error": {"message": "no such path"}}', status=404)]
    async with ring_on(server, "exact") as ring:
        with pytest.raises(ProviderRequestTooLargeError, match="about 25,004 tokens"):
            await ring.chat(ask(LONG))
        assert "about 25,004" in str(await ring.validate_context_limit(ask(LONG), exact=True))


async def test_tokens_are_counted_on_request(server: Server) -> None:
    server.answers = [counted(7)]
    async with ring_on(server) as ring:
        assert await ring.count_tokens(ask(SHORT)) == 7
        assert await ring.validate_context_limit(ask(LONG), exact=True) is None
        assert await ring.validate_context_limit(ask(LONG)) is not None
        with pytest.raises(ProviderResponseError, match="does not count tokens"):
            await ring.count_tokens(ask(SHORT, "sim:demo"))
        with pytest.raises(ProviderNotFoundError):
            await ring.count_tokens(ask(SHORT, "anthropic:claude-haiku-4-5"))


async def test_a_provider_of_others_need_not_count() -> None:
    async with LLMRing() as ring:
        ring.register_provider("fake", FakeProvider())
        with pytest.raises(ProviderResponseError, match="does not count tokens"):
            await ring.count_tokens(ask(SHORT, "fake:x"))


async def test_a_count_has_a_time_limit() -> None:
    async with Stalling(None) as server:
        ring = LLMRing(timeout=0.05)
        ring.register_provider("openai", api_key="k", base_url=server.url)
        async with ring:
            with pytest.raises(ProviderTimeoutError, match="did not count"):
                await ring.count_tokens(ask(SHORT))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_count_is_within_the_deadline_of_the_call(stream: bool) -> None:
    policy = Policy(deadline_s=0.05, context_check="exact")
    async with Stalling(None) as server, LLMRing(policy=policy, timeout=None) as ring:
        ring.register_provider("openai", api_key="k", base_url=server.url)
        with pytest.raises(ProviderTimeoutError) as caught:
            await (anext(ring.chat_stream(ask(LONG))) if stream else ring.chat(ask(LONG)))
    assert caught.value.timeout == 0


async def test_switched_off_nobody_looks(server: Server) -> None:
    server.answers = [answer()]
    async with ring_on(server, "off") as ring:
        assert (await ring.chat(ask(LONG))).warnings == []


def test_another_word_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="warn, error, exact or off"):
        Policy(context_check="raise")  # type: ignore[arg-type]


@pytest.mark.parametrize(("counted", "problem"), [(500, False), (501, True), (None, True)])
def test_a_count_of_half_the_window_settles_it(counted: int | None, *, problem: bool) -> None:
    facts = ModelFacts(provider="p", model="m", context_window=1000)
    assert (context_problem(ask("x" * 5000), facts, counted=counted) is not None) is problem
