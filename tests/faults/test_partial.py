"""What an interrupted stream leaves in ``partial``, wherever it is cut; played in memory."""

import pytest
from fault_ring import PROTOCOLS, ask, provider_of
from llmring import LLMRequest, LLMResponse, LLMRing, Policy, RetryPolicy
from llmring.exceptions import StreamInterruptedError
from llmring.testing import Answer, Call, Rule, Script, Tokens, faults
from llmring_providers.sim import SimTransport

ARGUMENTS = {"city": "Bern", "unit": "celsius", "days": [1, 2, 3]}
ANSWER = Answer(
    reasoning="Where is that, and when?",
    text="Let me look at the weather.",
    chunk_size=8,
    tool_calls=(Call("get_weather", ARGUMENTS, id="c1"), Call("get_time", ARGUMENTS, id="c2")),
    usage=Tokens(prompt_tokens=50, completion_tokens=20),
)
MOST_EVENTS = 40
POLICY = Policy(retry=RetryPolicy(attempts=1), breaker=None)


async def streamed(request: LLMRequest, script: Script) -> LLMResponse:
    async with LLMRing(transport=SimTransport(script), policy=POLICY) as ring:
        for provider in ("openai", "anthropic", "google"):
            ring.register_provider(provider, api_key="k")
        stream = ring.chat_stream(request)
        async for _ in stream:
            pass
    assert stream.response is not None
    return stream.response


async def cut_after(events: int, request: LLMRequest) -> LLMResponse | None:
    """The partial answer, or ``None`` where the stream came to its end."""
    try:
        await streamed(request, Script(rules=(Rule(answer=ANSWER, fault=faults.Cut(after=events)),)))
    except StreamInterruptedError as error:
        return error.partial or pytest.fail("there is no partial answer")
    return None


def arguments(response: LLMResponse) -> list[str]:
    return [call["function"]["arguments"] for call in response.tool_calls or ()]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_partial_grows_into_the_whole_answer_and_never_looks_like_it(protocol: str) -> None:
    request = ask(f"{provider_of(protocol)}:m", protocol)
    whole = await streamed(request, Script(rules=(Rule(answer=ANSWER),)))
    seen: list[tuple[int, int, int, int]] = []
    for events in range(MOST_EVENTS):
        partial = await cut_after(events, request)
        if partial is None:
            break
        assert (partial.model, partial.finish_reason) == (request.model, None)
        assert whole.content.startswith(partial.content)
        assert (whole.reasoning or "").startswith(partial.reasoning or "")
        for begun, complete in zip(arguments(partial), arguments(whole), strict=False):
            assert complete.startswith(begun) or begun == "{}"
        told = partial.usage or {}
        assert told.get("prompt_tokens", 50) == 50
        assert told.get("completion_tokens", 0) <= 20
        written = sum(len(text) for text in arguments(partial) if text != "{}")
        seen.append((len(partial.content), len(partial.reasoning or ""), len(arguments(partial)), written))
    assert seen == sorted(seen)
    assert seen[0] == (0, 0, 0, 0)
    assert seen[-1][:2] == (len(whole.content), len(whole.reasoning or ""))


async def test_usage_told_before_the_first_chunk_is_not_lost() -> None:
    partial = await cut_after(1, ask("anthropic:m"))
    assert partial is not None
    assert (partial.content, partial.model) == ("", "anthropic:m")
    assert partial.usage is not None
    assert partial.usage["prompt_tokens"] == 50
