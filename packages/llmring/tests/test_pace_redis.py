"""A pace shared over Redis, with a real server of it on a socket of this machine."""

from pathlib import Path

import anyio
import pytest
from key_stores import redis_server
from llmring import LLMRequest, LLMRing, Message, Pace, Policy
from llmring._failover.ledgers import RedisLedger
from llmring.exceptions import ConfigurationError
from llmring.testing import FakeProvider

RATES = (10.0, None, None, None)
ONE = (1.0, 0.0, 0.0, 0.0)


async def test_machines_take_one_after_the_other(redis_url: str) -> None:
    one, other = RedisLedger(redis_url), RedisLedger(redis_url)
    waits = [await (one, other)[place % 2].take("lane", ONE, RATES) for place in range(30)]
    assert sorted(waits) == waits
    assert waits[0] == 0
    assert 2.2 < waits[-1] < 2.5  # 30 at ten in a second, half a second of them at once
    assert await one.take("another lane", ONE, RATES) == 0


async def test_a_refusal_on_one_machine_stops_the_others(redis_url: str) -> None:
    one, other = RedisLedger(redis_url), RedisLedger(redis_url)
    await one.block("lane", 20.0)
    assert 19 < await other.take("lane", ONE, RATES) <= 20
    assert 19 < await other.take("lane", ONE, RATES) <= 20.2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_calls_of_a_ring_are_paced_over_redis(redis_url: str, backend: str) -> None:
    async def main() -> int:
        policy = Policy(pace=Pace(requests_per_minute=60_000, shared=redis_url))
        provider = FakeProvider("yes")
        async with LLMRing(policy=policy) as ring:
            ring.register_provider("fake", provider)
            request = LLMRequest([Message(role="user", content="?")], model="fake:x")
            async with anyio.create_task_group() as group:
                for _ in range(50):
                    group.start_soon(ring.chat, request)
        return len(provider.calls)

    assert anyio.run(main, backend=backend) == 50


async def test_while_the_server_is_away_each_process_paces_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with redis_server(tmp_path) as url:
        one, other = RedisLedger(url), RedisLedger(url)
        for ledger in (one, other):
            await ledger.take("lane", ONE, RATES)
    alone = [await one.take("lane", ONE, RATES) for _ in range(10)]
    assert alone[0] == 0
    assert 0.3 < alone[-1] < 0.5  # ten at ten in a second, half a second of them at once
    await one.block("lane", 20.0)
    assert 19 < await one.take("lane", ONE, RATES) <= 20
    (record,) = caplog.records  # and not one for each call
    assert "not shared over Redis at present (ConnectionError)" in record.message
    one._again_at = 0.0  # as some seconds later
    with redis_server(tmp_path):
        assert await one.take("lane", ONE, RATES) == 0
        for _ in range(10):
            await other.take("lane", ONE, RATES)
        assert await one.take("lane", ONE, RATES) > 0.3


async def test_a_server_that_is_not_there_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be shared over Redis: ConnectionError"):
        await RedisLedger(f"unix://{tmp_path / 'none.sock'}").take("lane", ONE, RATES)


def test_an_address_of_something_else_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="none of Redis"):
        RedisLedger("http://localhost")
