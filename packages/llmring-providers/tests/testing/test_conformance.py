"""The suite for providers: all of ours pass it, and it finds what is wrong with others."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from llmring_providers import ChatCall, Provider, ProviderSettings, find_factory
from llmring_providers.sim import Answer, Call, Rule, Script, SimTransport, faults
from llmring_providers.sim.faults import Fault
from llmring_providers.testing import HANG, FakeProvider, FakeStream, ProviderConformance, Reply, Scenario
from llmring_types import LLMResponse, ModelRef, StreamChunk, tool_call
from llmring_types.exceptions import (
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderServerError,
    StreamInterruptedError,
    UnsupportedContentError,
)

SECRET = "sk-hunter2"
TEXT = Rule(answer=Answer(text="Hello there, whoever you are", chunk_size=5))
TOOL = Rule(answer=Answer(tool_calls=(Call("get_weather", {"city": "Oslo"}),)))


def fault(what: Fault) -> Rule:
    return msgspec.structs.replace(TEXT, fault=what)


RULES: Mapping[Scenario, Rule] = {
    Scenario.TEXT: TEXT,
    Scenario.TOOL_CALL: TOOL,
    Scenario.UNAUTHORIZED: fault(faults.Status(status=401, message=f"Incorrect API key provided: {SECRET}")),
    Scenario.UNKNOWN_MODEL: fault(faults.Status(status=404)),
    Scenario.BAD_REQUEST: fault(faults.Status(status=400)),
    Scenario.RATE_LIMITED: fault(faults.Status(status=429)),
    Scenario.SERVER_ERROR: fault(faults.Status(status=500)),
    Scenario.UNREACHABLE: fault(faults.Reset()),
    Scenario.CUT_STREAM: fault(faults.Cut(after=3)),
    Scenario.SILENT: fault(faults.Stall()),
}


class Simulated(ProviderConformance):
    """One of ours, over the simulator."""

    secret = SECRET
    base_url: str | None = None

    @asynccontextmanager
    async def serving(self, scenario: Scenario) -> AsyncIterator[Provider]:
        transport = SimTransport(Script((RULES[scenario],)))
        settings = ProviderSettings(
            name=self.ref.provider, transport=transport, api_key=SECRET, base_url=self.base_url
        )
        provider = find_factory(self.ref.provider)(settings)
        yield provider
        await provider.aclose()


class TestOpenAI(Simulated):
    ref = ModelRef("openai", "gpt-4o-mini")


class TestOpenAIResponses(Simulated):
    ref = ModelRef("openai", "o1-pro")


class TestAnthropic(Simulated):
    ref = ModelRef("anthropic", "claude-sonnet-4-5")


class TestGoogle(Simulated):
    ref = ModelRef("google", "gemini-2.5-flash")


class TestOllama(Simulated):
    ref = ModelRef("ollama", "llama3.2")


class TestBedrock(Simulated):
    ref = ModelRef("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    base_url = "https://bedrock-runtime.eu-west-1.amazonaws.com"


CALL = tool_call("c1", "get_weather", {"city": "Oslo"})
REPLIES: Mapping[Scenario, Reply] = {
    Scenario.TEXT: "Hello there",
    Scenario.TOOL_CALL: LLMResponse(content="", model="", tool_calls=[CALL]),
    Scenario.UNAUTHORIZED: ProviderAuthenticationError("no", provider="fake"),
    Scenario.UNKNOWN_MODEL: ModelNotFoundError("no", provider="fake"),
    Scenario.BAD_REQUEST: ProviderBadRequestError("no", provider="fake"),
    Scenario.RATE_LIMITED: ProviderRateLimitError("no", provider="fake"),
    Scenario.SERVER_ERROR: ProviderServerError("no", provider="fake"),
    Scenario.UNREACHABLE: ProviderConnectionError("no", provider="fake"),
    Scenario.CUT_STREAM: ["Hello ", StreamInterruptedError("cut", provider="fake")],
    Scenario.SILENT: HANG,
}


class Picky(FakeProvider):
    """A fake that has no place for parts that it does not know."""

    async def chat(self, call: ChatCall) -> LLMResponse:
        self._look_at(call)
        return await super().chat(call)

    async def stream(self, call: ChatCall) -> FakeStream:
        self._look_at(call)
        return await super().stream(call)

    def _look_at(self, call: ChatCall) -> None:
        if any(isinstance(message.content, list) for message in call.request.messages):
            raise UnsupportedContentError("no parts here", provider=self.name, part="x-hologram")


class Faked(ProviderConformance):
    ref = ModelRef("fake", "m")
    replies = REPLIES
    kind: type[FakeProvider] = Picky

    @asynccontextmanager
    async def serving(self, scenario: Scenario) -> AsyncIterator[Provider]:
        yield self.kind(self.replies[scenario])


class TestFake(Faked):
    pass


# ------------------------------------------------------------------ what it finds


def with_reply(scenario: Scenario, reply: Reply) -> dict[str, Any]:
    return {"replies": {**REPLIES, scenario: reply}}


def said(**fields: Any) -> LLMResponse:
    return LLMResponse(**{"content": "Hello", "model": "", **fields})


class Renamed(Picky):
    async def chat(self, call: ChatCall) -> LLMResponse:
        return msgspec.structs.replace(await super().chat(call), model=call.ref.model)


class Meddling(Picky):
    async def chat(self, call: ChatCall) -> LLMResponse:
        call.request.messages.pop()
        return await super().chat(call)


class Retyping(Picky):
    async def chat(self, call: ChatCall) -> LLMResponse:
        try:
            return await super().chat(call)
        except ProviderRateLimitError as error:
            raise ProviderServerError(f"failed with {SECRET}", provider=self.name) from error


class Stubborn(Picky):
    async def chat(self, call: ChatCall) -> LLMResponse:
        import asyncio

        # The loop alone would not keep it from being collected before anybody looks.
        self.left = asyncio.ensure_future(super().chat(call))
        return await asyncio.shield(self.left)


class Forgetful(Picky):
    async def stream(self, call: ChatCall) -> FakeStream:
        stream = await super().stream(call)

        class Silent(FakeStream):
            async def receive(self) -> Sequence[StreamChunk]:
                try:
                    return await stream.receive()
                except StreamInterruptedError:
                    return ()

        return Silent(str(call.ref), (), self._arrival)


LATE: list[StreamChunk | str] = [StreamChunk(finish_reason="stop"), "Hello"]
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("test_a_whole_answer_has_the_neutral_form", {"ref": ModelRef("other", "m")}, "name is 'fake'"),
    ("test_a_whole_answer_has_the_neutral_form", {"kind": Renamed}, "model is 'm' instead of 'fake:m'"),
    ("test_a_whole_answer_has_the_neutral_form", {"kind": Meddling}, "changed the caller's request"),
    ("test_a_whole_answer_has_the_neutral_form", with_reply(Scenario.TEXT, ""), "no text"),
    (
        "test_a_whole_answer_has_the_neutral_form",
        with_reply(Scenario.TEXT, said(finish_reason="STOP")),
        "finish_reason is 'STOP'",
    ),
    (
        "test_a_whole_answer_has_the_neutral_form",
        with_reply(Scenario.TEXT, said(usage={"input_tokens": 1})),
        "unknown key 'input_tokens'",
    ),
    (
        "test_a_whole_answer_has_the_neutral_form",
        with_reply(Scenario.TEXT, said(native={"provider": "fake", "at": (1, 2)})),
        "survive JSON",
    ),
    (
        "test_a_stream_gives_the_same_answer",
        with_reply(Scenario.TEXT, LATE),
        r"finish_reason is on chunks \[0, 2\]",
    ),
    ("test_an_unknown_part_is_refused", {"kind": FakeProvider}, "did not fail"),
    ("test_tool_calls_have_the_neutral_form", with_reply(Scenario.TOOL_CALL, "It is sunny"), "no tool call"),
    (
        "test_tool_calls_have_the_neutral_form",
        with_reply(Scenario.TOOL_CALL, said(tool_calls=[tool_call("c1", "get_weather", "not JSON")])),
        "arguments are not an object: 'not JSON'",
    ),
    ("test_a_rate_limit_is_typed", {"kind": Retyping}, "should be ProviderRateLimitError"),
    (
        "test_a_failing_server_is_typed",
        with_reply(Scenario.SERVER_ERROR, ProviderServerError("no")),
        "names the provider ''",
    ),
    (
        "test_a_failing_server_is_typed",
        {**with_reply(Scenario.SERVER_ERROR, ProviderServerError(SECRET, provider="fake")), "secret": SECRET},
        "holds the secret",
    ),
    ("test_a_cut_stream_is_no_answer", {"kind": Forgetful}, "as if it were whole"),
    ("test_a_waiting_call_can_be_cancelled", {"kind": Stubborn}, "tasks are left"),
    (
        "test_a_waiting_call_can_be_cancelled",
        with_reply(Scenario.SILENT, "Hello"),
        "nobody answers has ended",
    ),
]


@pytest.mark.parametrize(("test", "wrong", "said"), WRONG)
def test_it_finds_what_is_wrong(test: str, wrong: dict[str, Any], said: str) -> None:
    suite = type("Suite", (Faked,), wrong)()
    run: Callable[[], None] = getattr(suite, test)
    with pytest.raises(AssertionError, match=said):
        run()
