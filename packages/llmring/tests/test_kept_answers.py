"""The answer cache: the same request on the wire is asked once, and only whole answers are kept."""

from contextlib import suppress
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import llmring_lockfile
import msgspec
import pytest
from asgi import ask
from gateways import ANTHROPIC, CHAT, CLAUDE, OPENAI, STREAMED, WORDS, ring_of
from llmring import (
    CachePolicy,
    CallRecord,
    ConfigurationError,
    LLMRequest,
    LLMRing,
    LLMRingError,
    Message,
    Policy,
    ProviderNotFoundError,
    RetryPolicy,
)
from llmring._kept_answers import KeptAnswers
from llmring.serve import KeyStore, app
from llmring.testing import FakeProvider
from llmring_providers import ProviderSettings
from llmring_providers.sim import Answer, Call, Rule, Script, SimTransport, create, faults
from llmring_types import LLMResponse, Prices

CACHED = Policy(cache=CachePolicy(), retry=RetryPolicy(attempts=1), breaker=None)


class Asked:
    """A ring with a cache, and what its calls came to."""

    def __init__(self, *rules: Rule, **settings: Any) -> None:
        self.records: list[CallRecord] = []
        self.ring = LLMRing(policy=CACHED, observers=[self.records.append], **settings)
        script = Script(rules=rules or (Rule(answer=WORDS),))
        self.ring.register_provider(
            "sim", create(ProviderSettings(name="sim", transport=SimTransport()), script)
        )

    @property
    def sent(self) -> int:
        return sum(record.attempts[-1].message is None for record in self.records)

    async def whole(self, text: str = "Hi", **fields: Any) -> LLMResponse:
        return await self.ring.chat(
            LLMRequest([Message(role="user", content=text)], **{"model": "sim:m", **fields})
        )

    async def streamed(self, text: str = "Hi", **fields: Any) -> LLMResponse:
        request = LLMRequest([Message(role="user", content=text)], **{"model": "sim:m", **fields})
        stream = self.ring.chat_stream(request)
        said = "".join([chunk.delta async for chunk in stream])
        assert stream.response is not None
        assert said == stream.response.content
        return stream.response


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.mark.parametrize("first", ["whole", "streamed"])
@pytest.mark.parametrize("second", ["whole", "streamed"])
async def test_an_answer_is_given_again_whole_or_as_a_stream(asked: Asked, first: str, second: str) -> None:
    one, again = await getattr(asked, first)(), await getattr(asked, second)()
    assert (one.content, again.content, asked.sent) == ("Good morning to you", "Good morning to you", 1)
    assert again.usage is not None
    assert (again.usage["cost"], again.usage["cost_status"]) == (0, "answer_cache")
    assert (again.attempts[-1].message, again.attempts[-1].billed) == ("from the answer cache", False)
    assert (again.model, again.finish_reason, again.response_id) == (
        one.model,
        one.finish_reason,
        one.response_id,
    )
    assert asked.records[1].cost is None


@pytest.mark.parametrize("how", ["whole", "streamed"])
async def test_a_kept_answer_has_the_tokens_of_the_first_and_no_part_of_its_price(how: str) -> None:
    asked = Asked(prices={"sim:*": Prices(input=Decimal(1), output=Decimal(2))})
    first, again = (await getattr(asked, how)()).usage, (await getattr(asked, how)()).usage
    assert first is not None
    assert first["cost_breakdown"]["output"] > 0
    free = {**first, "cost": 0.0, "cost_status": "answer_cache"}
    del free["cost_breakdown"]
    assert again == free


async def test_an_answer_without_usage_comes_again_without(asked: Asked) -> None:
    asked.ring.register_provider("fake", FakeProvider("Hello"))
    usages = [(await asked.whole(model="fake:m")).usage for _ in range(2)]
    assert (usages, asked.sent) == ([None, None], 1)


@pytest.mark.parametrize("first", ["whole", "streamed"])
@pytest.mark.parametrize("second", ["whole", "streamed"])
async def test_reasoning_and_tool_calls_come_again(first: str, second: str) -> None:
    answer = Answer(reasoning="Hm.", text="Let me see.", tool_calls=(Call(name="look", arguments={"at": 1}),))
    asked = Asked(Rule(answer=answer))
    one, again = await getattr(asked, first)(), await getattr(asked, second)()
    assert asked.sent == 1
    for field in ("content", "reasoning", "tool_calls", "native", "provider_finish_reason"):
        assert getattr(again, field) == getattr(one, field)


class Counting:
    """An adapter that counts what it encodes."""

    def __init__(self, adapter: Any) -> None:
        self.adapter, self.encoded = adapter, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.adapter, name)

    def encode(self, call: Any, *, stream: bool) -> Any:
        self.encoded += 1
        return self.adapter.encode(call, stream=stream)


async def test_a_request_is_encoded_once_for_the_cache_and_the_wire(asked: Asked) -> None:
    provider: Any = asked.ring._chat.providers["sim"]
    counting = provider._adapter = Counting(provider._adapter)
    await asked.whole()
    assert (asked.sent, counting.encoded) == (1, 1)
    await asked.whole(response_format={"type": "json_object"})
    assert (asked.sent, counting.encoded) == (2, 2)
    await asked.whole()
    assert (asked.sent, counting.encoded) == (2, 3)


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Ho"},
        {"temperature": 0.5},
        {"model": "sim:n"},
        {"max_tokens": 9},
        {"extra_params": {"seed": 1}},
    ],
)
async def test_another_request_is_asked(asked: Asked, other: dict[str, Any]) -> None:
    await asked.whole()
    await asked.whole(**other)
    assert asked.sent == 2


async def test_what_is_not_sent_makes_no_difference(asked: Asked) -> None:
    await asked.whole(metadata={"a": 1}, timeout=5)
    await asked.whole(metadata={"a": 2})
    assert asked.sent == 1


async def test_no_store_neither_takes_nor_keeps(asked: Asked) -> None:
    response = await asked.whole(cache={"no_store": True})
    await asked.whole()
    await asked.whole(cache={"no_store": True})
    assert asked.sent == 3
    assert response.warnings == []
    await asked.whole(cache={"no_store": False})
    assert asked.sent == 3


async def test_an_answer_is_the_callers_own(asked: Asked) -> None:
    first = await asked.whole()
    first.content = "changed"
    second = await asked.whole()
    second.warnings.append("mine")
    assert ((await asked.whole()).content, (await asked.whole()).warnings) == ("Good morning to you", [])


@pytest.mark.parametrize("how", ["whole", "streamed"])
async def test_the_answer_is_read_into_the_type_that_is_asked_for(how: str) -> None:
    class Place(msgspec.Struct):
        city: str

    asked = Asked(Rule(answer=Answer(json={"city": "Rome"})))
    parsed = [(await getattr(asked, how)(response_format=Place)).parsed for _ in range(2)]
    assert (parsed, asked.sent) == ([Place("Rome"), Place("Rome")], 1)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(until=1, fault=faults.Status(status=400)),
        Rule(until=1, answer=WORDS, fault=faults.Cut(after=2)),
        Rule(until=1, answer=Answer(text="No.", finish="content_filter")),
    ],
)
async def test_only_whole_answers_are_kept(rule: Rule) -> None:
    asked = Asked(rule, Rule(answer=WORDS))
    with suppress(LLMRingError):
        await asked.streamed()
    assert (await asked.whole()).content == "Good morning to you"
    assert (await asked.whole()).attempts[-1].message == "from the answer cache"


async def test_a_stream_that_is_left_is_not_kept(asked: Asked) -> None:
    async with asked.ring.chat_stream(
        LLMRequest([Message(role="user", content="Hi")], model="sim:m")
    ) as stream:
        await anext(stream)
    await asked.whole()
    assert asked.sent == 2


async def test_a_new_snapshot_in_the_lockfile_has_everything_asked_anew(tmp_path: Path) -> None:
    path = tmp_path / "llmring.lock"
    llmring_lockfile.bind(path, "fast", "sim:m", create=True)
    asked = Asked(lockfile_path=path)
    await asked.whole(model="fast")
    await asked.whole(model="fast")
    assert asked.sent == 1
    text = path.read_text()
    path.write_text(f'{text}\n[locked."sim:m"]\nsnapshot = "m-2026-12-01"\n')
    asked.ring.clear_alias_cache()
    await asked.whole(model="fast")
    assert asked.sent == 2
    llmring_lockfile.bind(path, "fast", "sim:n")
    asked.ring.clear_alias_cache()
    assert (await asked.whole(model="fast")).model == "sim:n"


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def test_answers_are_dropped_when_they_are_old_or_too_many() -> None:
    clock, numbers = Clock(), count()
    kept = KeptAnswers(CachePolicy(ttl_s=10, max_bytes=1000), clock)
    answer = LLMResponse(content="x" * 250, model="sim:m")
    digests = [bytes([next(numbers)]) for _ in range(4)]
    for digest in digests[:3]:
        kept.keep(digest, answer)
    assert kept.get(digests[0]) is not None  # the least recently used is the second one now
    kept.keep(digests[3], answer)
    assert [kept.get(digest) is not None for digest in digests] == [True, False, True, True]
    kept.keep(digests[3], LLMResponse(content="x" * 2000, model="sim:m"))
    assert kept.get(digests[3]) is None
    clock.time = 10
    assert [kept.get(digest) for digest in digests] == [None] * 4
    assert kept._size == 0


@pytest.mark.parametrize(("spare", "found"), [(0, [True, True]), (-1, [False, True])])
def test_answers_are_kept_up_to_the_last_byte(spare: int, found: list[bool]) -> None:
    answer = LLMResponse(content="x" * 250, model="sim:m")
    one = len(msgspec.json.encode(answer))
    kept = KeptAnswers(CachePolicy(max_bytes=2 * one + spare), Clock())
    digests = [b"1", b"2"]
    for digest in digests:
        kept.keep(digest, answer)
    assert [kept.get(digest) is not None for digest in digests] == found
    alone = KeptAnswers(CachePolicy(max_bytes=one + spare), Clock())
    alone.keep(b"1", answer)
    assert (alone.get(b"1") is not None) is found[0]


async def test_a_kept_answer_costs_a_budget_nothing(tmp_path: Path) -> None:
    with KeyStore(tmp_path / "serve.db") as keys:
        headers = {"x-api-key": keys.create(budget="1").secret}
        async with ring_of() as ring:
            gateway = app(ring, keys=keys, cache=CachePolicy())
            body = {**CHAT, "max_tokens": 100}
            first = await ask(gateway, OPENAI, body, headers=headers)
            again = await ask(gateway, OPENAI, body, headers=headers)
            other = await ask(gateway, ANTHROPIC, CLAUDE | STREAMED, headers=headers)
            spent = keys.states()[0].spent
            fresh = await ask(gateway, OPENAI, body, headers={**headers, "cache-control": "no-store"})
            assert keys.states()[0].spent == 2 * (spent or Decimal(0))
    hits = [reply.headers.get("llmring-cache") for reply in (first, again, other, fresh)]
    assert hits == [None, "hit", "hit", None]
    assert spent == Decimal(first.headers["llmring-cost"])
    assert b"message_stop" in other.body
    assert again.headers["llmring-cost"] == "0"
    assert again.json["choices"] == first.json["choices"]


@pytest.mark.parametrize("fields", [{"ttl_s": -1}, {"ttl_s": "1h"}, {"max_bytes": 0}, {"max_bytes": 1.5}])
def test_what_is_no_time_or_size_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"cache\."):
        CachePolicy(**fields)


def test_a_policy_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CachePolicy"):
        Policy(cache=True)  # type: ignore[arg-type]


async def test_a_request_that_cannot_be_sent_fails_as_without_a_cache(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ProviderNotFoundError, match="OPENAI_API_KEY"):
        await asked.whole(model="openai:gpt-4o-mini")


async def test_json_is_read_again_from_a_kept_answer() -> None:
    asked = Asked(Rule(answer=Answer(json={"city": "Rome"})))
    schema = {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": False},
    }
    parsed = [(await asked.whole(response_format=schema)).parsed for _ in range(2)]
    assert (parsed, asked.sent) == ([{"city": "Rome"}] * 2, 1)
