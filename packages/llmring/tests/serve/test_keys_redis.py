"""Keys in Redis while it is away, comes back, forgets its scripts or its data, or is set up to lose them."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
import redis
from asgi import ask
from gateways import ANTHROPIC, CHAT, CLAUDE, GEMINI, OPENAI, STREAMED, ring_of
from key_stores import ANSWER, CALL, COST, redis_server
from llmring.serve import Exchange, GatewayKey, KeyState, KeyStore, LiveCalls, app
from llmring.serve._keys._key import KeyStoreUnavailableError
from llmring.serve._keys._ledger import KeyHold
from llmring_providers.sim import Rule
from llmring_types.exceptions import ConfigurationError, MissingSDKError

PASSWORD = "open-sesame"
DOLLAR = 10**9


class Outage:
    """A server that persists, and can be away."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://:{PASSWORD}@{folder / 'redis.sock'}"
        self._folder = folder
        self._running = ExitStack()

    def start(self) -> None:
        options = "--appendonly", "yes", "--appendfsync", "always", "--requirepass", PASSWORD
        self._running.enter_context(redis_server(self._folder, *options))

    def stop(self) -> None:
        self._running.close()


@pytest.fixture
def outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    monkeypatch.setattr("llmring.serve._keys._redis.link._PAUSE_S", 0.0)
    outage = Outage(tmp_path)
    outage.start()
    yield outage
    outage.stop()


def state_of(keys: KeyStore) -> KeyState:
    (state,) = keys.states()
    return state


def hold_of(keys: KeyStore, key: GatewayKey, units: int) -> KeyHold:
    account = keys.ledger.account(key)
    assert account is not None
    return KeyHold(account, units)


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        (OPENAI, CHAT, "server_is_overloaded"),
        (OPENAI, CHAT | STREAMED, "server_is_overloaded"),
        (ANTHROPIC, CLAUDE, "overloaded_error"),
        ("/v1beta/models/fast:generateContent", GEMINI, "UNAVAILABLE"),
    ],
)
async def test_while_redis_is_away_nobody_comes_in_and_everybody_knows_when_to_ask_again(
    outage: Outage, path: str, body: Any, kind: str
) -> None:
    async with KeyStore(outage.url) as keys, ring_of() as ring:
        secret = keys.create(budget="1", rpm=100).secret
        gateway = app(ring, keys=keys)
        for headers in ({"authorization": f"Bearer {secret}"}, {}):
            outage.stop()
            reply = await ask(gateway, path, body, headers=headers)
            assert (reply.status, reply.headers["retry-after"]) == (503, "2")
            assert kind in reply.body.decode()
            outage.start()
            assert (await ask(gateway, path, body, headers=headers)).status == (200 if headers else 401)


async def test_the_state_of_a_gateway_says_that_its_keys_cannot_be_checked(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    async def page(exchange: Exchange, live: LiveCalls | None, *, admitted: bool) -> None:
        await exchange.answer(200, {}, str(admitted).encode())

    async with KeyStore(outage.url) as keys, ring_of() as ring:
        headers = {"authorization": f"Bearer {keys.create().secret}"}
        gateway, texts = app(ring, keys=keys, page=page), dict[int, str]()
        for expected in (200, 503, 200):
            replies = [await ask(gateway, path, headers=headers) for path in ("/readyz", "/metrics", "/")]
            assert [reply.status for reply in replies] == [expected] * 3
            texts[expected] = replies[0].body.decode()
            if expected == 503:
                outage.start()
            else:
                outage.stop()
        outage.start()
    assert texts[200] == "ready\n"
    assert "cannot be checked" in texts[503]
    assert "redis.sock" in caplog.text
    assert "answers again" in caplog.text
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(keys)


async def test_a_call_that_ends_while_redis_is_away_is_counted_when_it_is_back(outage: Outage) -> None:
    async with KeyStore(outage.url) as keys:
        key = keys.create(budget="1", tpm=1000).key
        ended, under_way = hold_of(keys, key, DOLLAR // 2), hold_of(keys, key, DOLLAR // 4)
        for hold in (ended, under_way):
            assert await keys.ledger.hold(hold) is None
        second = await keys.ledger.admit(key, 10)
        outage.stop()
        ended.settle(Decimal("0.1"), certain=True)
        keys.ledger.correct(key, second, 5)
        await keys.ledger.written()
        with pytest.raises(KeyStoreUnavailableError):
            await keys.check()
        outage.start()
        assert state_of(keys).reserved == Decimal("0.75")  # the whole of it stays set aside until then
        await keys.check()
        assert (state_of(keys).spent, state_of(keys).reserved) == (Decimal("0.1"), Decimal("0.25"))
        outage.stop()
        under_way.settle(Decimal("0.2"), certain=True)
        await keys.ledger.written()
        outage.start()
    with KeyStore(outage.url) as again:  # also where the gateway ends first
        assert (state_of(again).spent, state_of(again).reserved) == (Decimal("0.3"), Decimal(0))


async def test_a_gateway_ends_in_order_while_redis_is_away(
    outage: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyStore(outage.url)
    hold = hold_of(keys, keys.create(budget="1").key, DOLLAR)
    assert await keys.ledger.hold(hold) is None
    outage.stop()
    hold.settle(Decimal("0.1"), certain=True)
    await keys.aclose()
    assert "stays set aside" in caplog.text


async def test_a_restart_between_two_calls_is_not_noticed(outage: Outage) -> None:
    async with KeyStore(outage.url) as keys, ring_of(Rule(answer=ANSWER)) as ring:
        headers = {"authorization": f"Bearer {keys.create(budget='1').secret}"}
        for _ in range(3):
            assert (await ask(app(ring, keys=keys), OPENAI, CALL, headers=headers)).status == 200
            outage.stop()
            outage.start()
        assert state_of(keys).spent == 3 * COST


@pytest.mark.parametrize("sees", ["a request", "a question"])
async def test_a_gateway_that_asks_for_keys_does_not_open_when_redis_has_lost_them(
    redis_url: str, sees: str
) -> None:
    async with KeyStore(redis_url) as keys, KeyStore(redis_url) as maker, ring_of() as ring:
        headers = {"authorization": f"Bearer {maker.create().secret}"}
        gateway = app(ring, keys=keys)
        if sees == "a request":
            assert (await ask(gateway, OPENAI, CHAT, headers=headers)).status == 200
        else:
            assert await anyio.to_thread.run_sync(lambda: keys.in_use)
        with redis.Redis.from_url(redis_url) as server:
            server.flushall()
        for sent in (headers, {}):
            assert (await ask(gateway, OPENAI, CHAT, headers=sent)).status == 401
        assert keys.in_use


async def test_scripts_that_the_server_has_forgotten_are_sent_again(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys, ring_of(Rule(answer=ANSWER)) as ring:
        headers = {"authorization": f"Bearer {keys.create(budget='1', rpm=9, tpm=9000).secret}"}
        for _ in range(2):
            assert (await ask(app(ring, keys=keys), OPENAI, CALL, headers=headers)).status == 200
            with redis.Redis.from_url(redis_url) as server:
                server.script_flush()
        assert state_of(keys).spent == 2 * COST


async def test_a_server_that_does_not_answer_is_waited_for_a_second_at_most(
    outage: Outage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.serve._keys._redis.server._ANSWER_S", 0.05)
    monkeypatch.setattr("llmring.serve._keys._redis.link._PAUSE_S", 60.0)
    async with KeyStore(outage.url) as keys:
        await keys.check()
        with redis.Redis.from_url(outage.url) as server, redis.Redis.from_url(outage.url) as other:
            server.client_pause(300)
            with pytest.raises(KeyStoreUnavailableError, match="TimeoutError"):
                await keys.ledger.admit(GatewayKey(id="x", rpm=1), 0)
            with pytest.raises(KeyStoreUnavailableError, match="a moment ago"):
                await keys.check()
            other.client_unpause()


async def test_calls_that_would_wait_for_too_long_are_refused_at_once(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmring.serve._keys._redis.link._MOST_WAITING", 2)
    async with KeyStore(redis_url) as keys:
        results: list[str] = []

        async def check() -> None:
            try:
                await keys.check()
                results.append("in use")
            except KeyStoreUnavailableError as error:
                results.append(error.message.partition(" for ")[0])

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(check)
    assert sorted(results) == ["in use", "in use", "too many calls wait"]


async def test_a_full_server_refuses_and_is_used_again_once_there_is_room(outage: Outage) -> None:
    async with KeyStore(outage.url) as keys:
        key = keys.create(budget="1").key
        with redis.Redis.from_url(outage.url) as server:
            server.config_set("maxmemory", 1)
            with pytest.raises(KeyStoreUnavailableError, match="OutOfMemoryError"):
                await keys.ledger.hold(hold_of(keys, key, DOLLAR))
            server.config_set("maxmemory", 0)
        assert await keys.ledger.hold(hold_of(keys, key, DOLLAR)) is None


async def test_a_call_that_is_cancelled_while_it_asks_leaves_nothing_set_aside(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys:
        key = keys.create(budget="1").key
        with anyio.CancelScope() as scope:
            scope.cancel()
            await keys.ledger.hold(hold_of(keys, key, DOLLAR))
        await keys.ledger.written()
        assert state_of(keys).reserved == 0
        assert await keys.ledger.hold(hold_of(keys, key, DOLLAR)) is None


async def test_a_step_whose_answer_was_lost_counts_once(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys:
        key = keys.create(budget="1").key
        hold = hold_of(keys, key, DOLLAR // 2)
        assert await keys.ledger.hold(hold) is None
        name = f"llmring:serve:spend:{key.id}:total"
        step = keys.ledger._settlement(hold, DOLLAR // 10, certain=True)  # type: ignore[attr-defined]
        with redis.Redis.from_url(redis_url) as server:
            for tried in (False, True, True):
                script, names, values = step.script(tried)
                server.eval(script, 2, *names, *values)
            assert server.hget(name, "spent") == b"100000000"


async def test_a_cost_counts_also_where_the_server_has_lost_what_was_set_aside(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys:
        key = keys.create(budget="1").key
        hold = hold_of(keys, key, DOLLAR // 2)
        assert await keys.ledger.hold(hold) is None
        with redis.Redis.from_url(redis_url) as server:
            server.delete(*server.keys("llmring:serve:spend:*"))
        hold.settle(Decimal("0.1"), certain=False)
        await keys.ledger.written()
        assert (state_of(keys).spent, state_of(keys).reserved) == (Decimal("0.1"), Decimal(0))


async def test_a_stream_that_is_collected_in_another_thread_settles(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys:
        hold = hold_of(keys, keys.create(budget="1").key, DOLLAR)
        assert await keys.ledger.hold(hold) is None
        thread = Thread(target=hold.settle, args=(Decimal(1),), kwargs={"certain": True})
        thread.start()
        thread.join()
        await keys.ledger.written()
        assert state_of(keys).spent == 1


async def test_a_store_that_is_closed_at_once_writes_what_is_left(redis_url: str) -> None:
    keys = KeyStore(redis_url)
    hold = hold_of(keys, keys.create(budget="1").key, DOLLAR)
    assert await keys.ledger.hold(hold) is None
    hold.settle(Decimal("0.25"), certain=True)
    keys.close()
    await anyio.wait_all_tasks_blocked()
    with KeyStore(redis_url) as again:
        assert (state_of(again).spent, state_of(again).reserved) == (Decimal("0.25"), Decimal(0))


def test_a_store_may_outlive_an_event_loop(redis_url: str) -> None:
    keys = KeyStore(redis_url)
    secret = keys.create().secret

    async def look_up(*, last: bool) -> GatewayKey | None:
        found = await keys.look_up(secret)
        if last:
            await keys.aclose()
        else:
            await keys._keys._server.disconnect()  # type: ignore[attr-defined]  # as a loop's end does
        return found

    assert anyio.run(lambda: look_up(last=False)) == anyio.run(lambda: look_up(last=True))


async def test_periods_are_those_of_the_clock_of_the_server(redis_url: str) -> None:
    async with KeyStore(redis_url) as keys:
        made = keys.create(budget="1/month")
        keys.ledger.set_clock(int(datetime(2031, 5, 5, tzinfo=UTC).timestamp()))  # type: ignore[attr-defined]
        wrong = keys.ledger.account(made.key)
        assert wrong is not None
        assert wrong.period == "2031-05"
        await keys.look_up(made.secret)
        assert keys.ledger.account(made.key).period == datetime.now(UTC).strftime("%Y-%m")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--appendonly", "yes"), []),
        (("--appendonly", "yes", "--maxmemory", "100mb"), []),
        (
            ("--appendonly", "yes", "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"),
            ["set maxmemory-policy noeviction"],
        ),
        ((), ["set appendonly yes"]),
    ],
)
def test_settings_that_lose_budgets_are_named_with_what_to_do(
    tmp_path: Path, options: tuple[str, ...], advice: list[str]
) -> None:
    with redis_server(tmp_path, *options) as url, KeyStore(url) as keys:
        problems = keys.problems()
    assert [problem.rpartition(": ")[2] for problem in problems] == advice


def test_settings_that_may_not_be_read_are_named(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as server:
        server.acl_setuser(
            "gateway", enabled=True, passwords=f"+{PASSWORD}", commands=["+@all", "-info"], keys=["*"]
        )
    with KeyStore(redis_url.replace("unix://", f"unix://gateway:{PASSWORD}@")) as keys:
        (problem,) = keys.problems()
    assert "check that maxmemory-policy is noeviction" in problem


def test_a_replica_is_refused(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--replicaof", "127.0.0.1", "1") as url,
        KeyStore(url) as keys,
        pytest.raises(ConfigurationError, match="name its primary"),
    ):
        keys.problems()


def test_a_store_in_redis_is_for_asyncio(redis_url: str) -> None:
    with KeyStore(redis_url) as keys, pytest.raises(ConfigurationError, match="asyncio"):
        anyio.run(keys.look_up, "llmr-x", backend="trio")


def test_a_cluster_is_refused(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--cluster-enabled", "yes") as url,
        KeyStore(url) as keys,
        pytest.raises(ConfigurationError, match="Redis Cluster"),
    ):
        keys.problems()


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}@host:{PASSWORD}/0",
        f"redis://:{PASSWORD}@[::1",
        f"valkey://:{PASSWORD}@host:6379/0",
        f"Redis://:{PASSWORD}@host:6379/0",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="none of Redis") as raised:
        KeyStore(url)
    assert not any(tmp_path.iterdir())
    assert PASSWORD not in str(raised.value)
    assert raised.value.__suppress_context__


def test_redis_without_its_client_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(MissingSDKError, match=r"llmring\[redis\]"):
        KeyStore("redis://localhost")


def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    keys = KeyStore(f"unix://:{PASSWORD}@{tmp_path / 'none.sock'}")
    for ask_it in (keys.create, keys.problems):
        with pytest.raises(KeyStoreUnavailableError, match=r"none\.sock") as raised:
            ask_it()
        assert PASSWORD not in str(raised.value)
