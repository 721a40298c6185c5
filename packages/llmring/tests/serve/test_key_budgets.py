"""Budgets of keys are walls: under concurrency, over several processes, over restarts."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
from asgi import Reply, ask
from gateways import OPENAI, STREAMED, ring_of
from key_stores import ANSWER, CALL, COST, HELD, holder, let_a_minute_pass, silence
from llmring._routing import Candidate
from llmring.serve import Gateway, GatewayKey, KeyState, KeyStore, app
from llmring.serve._keys._ledger import KeyHold
from llmring_providers.sim import Rule, faults
from llmring_types import ModelRef
from llmring_types.exceptions import BudgetExceededError, ProviderRateLimitError

MODEL = Candidate(ModelRef.parse("sim:small"))
MOST = Decimal("0.0012"), Decimal("0.00122")
"""Between these is the worst case of a call: 600 tokens out, and its few tokens in."""


def state_of(keys: KeyStore) -> KeyState:
    (state,) = keys.states()
    return state


def hold_of(keys: KeyStore, key: GatewayKey, dollars: str) -> KeyHold:
    account = keys.ledger.account(key)
    assert account is not None
    return KeyHold(account, int(Decimal(dollars) * keys.ledger.per_dollar))


async def until_all_wait(keys: KeyStore) -> None:
    """Let every call come as far as it can: an attempt at once, and one in the queue."""
    for _ in range(3):
        await anyio.wait_all_tasks_blocked()
        await keys.ledger.written()


async def ask_all(gateways: list[Gateway], clients: int, secret: str, body: Any) -> list[Reply]:
    replies: list[Reply] = []

    async def client(gateway: Gateway) -> None:
        replies.append(await ask(gateway, OPENAI, body, headers={"authorization": f"Bearer {secret}"}))

    async with anyio.create_task_group() as group:
        for number in range(clients):
            group.start_soon(client, gateways[number % len(gateways)])
    return replies


@pytest.mark.parametrize("body", [CALL, CALL | STREAMED])
async def test_200_clients_spend_not_one_cent_more_than_40_calls_may(keys: KeyStore, body: Any) -> None:
    secret = keys.create(budget=str(40 * COST + Decimal("0.0009"))).secret
    async with ring_of(Rule(answer=ANSWER)) as ring:
        replies = await ask_all([app(ring, keys=keys)], 200, secret, body)
    answered = [reply for reply in replies if reply.status == 200]
    assert len(answered) == 40  # the last fits only because calls wait for what others have set aside
    assert {reply.status for reply in replies} == {200, 429}
    assert state_of(keys).spent == 40 * COST
    assert state_of(keys).reserved == state_of(keys).withheld == 0


async def test_several_gateways_share_one_wall(keys: KeyStore, place: str) -> None:
    secret = keys.create(budget=str(40 * COST + Decimal("0.0009"))).secret
    async with KeyStore(place) as other, ring_of(Rule(answer=ANSWER)) as ring:
        gateways = [app(ring, keys=keys), app(ring, keys=other)]
        replies = await ask_all(gateways, 200, secret, CALL)
    answered = sum(reply.status == 200 for reply in replies)
    assert answered <= 40
    assert state_of(keys).spent == answered * COST


async def test_embeddings_are_paid_from_the_same_account(keys: KeyStore) -> None:
    secret = keys.create(budget="0.000001").secret
    async with ring_of() as ring:
        body = {"model": "fast", "input": "word " * 50}
        reply = await ask(
            app(ring, keys=keys), "/v1/embeddings", body, headers={"authorization": f"Bearer {secret}"}
        )
    assert reply.status == 429


async def test_what_an_answer_cost_is_written_before_the_answer_is_sent(keys: KeyStore) -> None:
    secret = keys.create(budget="1/month").secret
    seen = []

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            seen.append(state_of(keys).spent)

    async with ring_of(Rule(answer=ANSWER)) as ring:
        gateway = app(ring, keys=keys)

        async def watched(scope: Any, receive: Any, _: Any) -> None:
            await gateway(scope, receive, send)

        await ask(watched, OPENAI, CALL, headers={"authorization": f"Bearer {secret}"})
    assert seen == [COST]


async def test_what_a_dead_process_had_set_aside_stays_out_of_reach(keys: KeyStore, place: str) -> None:
    secret = keys.create(budget=str(4 * COST)).secret
    with holder(place, secret) as process:
        assert process.stdout is not None
        process.stdout.readline()
    async with ring_of(Rule(answer=ANSWER)) as living:
        replies = await ask_all([app(living, keys=keys)], 3, secret, CALL)
    state = state_of(keys)
    assert [reply.status for reply in replies] == [429, 429, 429]
    assert (state.spent, state.reserved) == (Decimal(0), HELD)
    silence(place)
    async with KeyStore(place) as other:  # the first sign of life of another process buries the dead
        await other.ledger.admit(state.key, 0)
        await other.ledger.written()
    assert (state_of(keys).reserved, state_of(keys).withheld) == (Decimal(0), state.reserved)


async def test_a_failed_call_costs_nothing_and_a_stream_that_is_left_what_may_be_billed(
    keys: KeyStore,
) -> None:
    secret = keys.create(budget="1").secret
    headers = {"authorization": f"Bearer {secret}"}
    async with ring_of(Rule(until=1, fault=faults.Status(status=400)), Rule(answer=ANSWER)) as ring:
        gateway = app(ring, keys=keys)
        assert (await ask(gateway, OPENAI, CALL, headers=headers)).status == 400
        assert state_of(keys).spent == state_of(keys).withheld == 0
        await ask(gateway, OPENAI, CALL | STREAMED, headers=headers, leave_after=1)
        await keys.ledger.written()
    state = state_of(keys)
    assert state.reserved == 0
    assert state.spent is not None
    assert MOST[0] < state.spent + state.withheld < MOST[1]


async def test_what_other_processes_hold_is_not_waited_for(keys: KeyStore, place: str) -> None:
    made = keys.create(budget="10").key
    account = keys.ledger.account(made)
    assert account is not None
    async with KeyStore(place) as other:
        assert await other.ledger.hold(hold_of(other, made, "7")) is None
        await account.reserve(MODEL, Decimal(2), "one task")
        with anyio.fail_after(10), pytest.raises(BudgetExceededError):
            await account.reserve(MODEL, Decimal(4), "another task")


async def test_the_refusal_names_the_budget_and_no_amount_of_others(keys: KeyStore) -> None:
    secret = keys.create(budget="0.0001/month").secret
    async with ring_of(Rule(answer=ANSWER)) as ring:
        (reply,) = await ask_all([app(ring, keys=keys)], 1, secret, CALL)
    assert "of the budget of the key, $0.0001" in reply.json["error"]["message"]


async def test_what_was_given_up_for_dead_and_settles_after_all_leaves_nothing_behind(
    keys: KeyStore, place: str
) -> None:
    made = keys.create(budget="1").key
    async with KeyStore(place) as late:
        hold = hold_of(late, made, "0.001")
        assert await late.ledger.hold(hold) is None
        silence(place)
        assert await keys.ledger.hold(hold_of(keys, made, "0.000001")) is None  # with a sign of life
        assert state_of(keys).withheld == Decimal("0.001")
        hold.settle(Decimal("0.0001"), certain=True)
        await late.ledger.written()
    assert (state_of(keys).spent, state_of(keys).withheld) == (Decimal("0.0001"), Decimal(0))


async def test_a_cost_beyond_what_was_set_aside_counts_as_far_as_there_is_room(keys: KeyStore) -> None:
    made = keys.create(budget="1").key
    holds = [hold_of(keys, made, "0.3") for _ in range(3)]
    for hold in holds:
        assert await keys.ledger.hold(hold) is None
    assert await keys.ledger.hold(hold_of(keys, made, "0.2")) is not None
    for hold, cost in zip(holds, ("0.35", "2", "0.1"), strict=True):
        hold.settle(Decimal(cost), certain=False)
    await keys.ledger.written()
    state = state_of(keys)
    assert (state.spent, state.reserved) == (Decimal("0.8"), Decimal(0))
    assert state.withheld == Decimal("0.2")


async def test_what_a_process_that_ends_still_holds_is_withheld(keys: KeyStore, place: str) -> None:
    made = keys.create(budget="1").key
    async with KeyStore(place) as other:
        assert await other.ledger.hold(hold_of(other, made, "0.4")) is None
        assert state_of(keys).reserved == Decimal("0.4")
    assert (state_of(keys).reserved, state_of(keys).withheld) == (Decimal(0), Decimal("0.4"))


async def test_calls_that_wait_are_served_in_order_and_one_that_gives_up_holds_up_nobody(
    keys: KeyStore,
) -> None:
    account = keys.ledger.account(keys.create(budget="1").key)
    assert account is not None
    served: list[str] = []
    holds = []

    async def call(name: str, dollars: str) -> None:
        holds.append(await account.reserve(MODEL, Decimal(dollars), name))
        served.append(name)

    first = await account.reserve(MODEL, Decimal("0.8"), "first")
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as gives_up:
            async with anyio.create_task_group() as impatient:
                impatient.start_soon(call, "impatient", "0.9")
                await until_all_wait(keys)
                group.start_soon(call, "large", "0.7")
                await until_all_wait(keys)
                group.start_soon(call, "small", "0.1")  # it would fit, and waits for its turn
                await until_all_wait(keys)
                assert served == []
                gives_up.cancel()
        first.settle(Decimal("0.1"), certain=True)
    assert served == ["large", "small"]
    for hold in holds:
        hold.settle(Decimal(0), certain=True)
    await keys.ledger.written()
    assert (state_of(keys).spent, state_of(keys).reserved) == (Decimal("0.1"), Decimal(0))


async def test_a_task_does_not_wait_for_what_it_holds_itself(keys: KeyStore) -> None:
    account = keys.ledger.account(keys.create(budget="1").key)
    assert account is not None
    own = await account.reserve(MODEL, Decimal("0.8"), "task")
    with pytest.raises(BudgetExceededError, match=r"\$0\.8 of it set aside by this task's own open streams"):
        await account.reserve(MODEL, Decimal("0.5"), "task")
    with pytest.raises(BudgetExceededError, match=r"\$1\.00 is left"):
        await account.reserve(MODEL, Decimal("1.5"), None)
    own.settle(Decimal(0), certain=True)
    await keys.ledger.written()


async def test_what_a_store_cannot_count_stays_set_aside_and_wakes_whoever_waits(tmp_path: Path) -> None:
    with KeyStore(tmp_path / "serve.db") as keys:
        account = keys.ledger.account(keys.create(budget="1").key)
        assert account is not None
        hold = await account.reserve(MODEL, Decimal("0.8"), "first")
        with closing(sqlite3.connect(tmp_path / "serve.db", isolation_level=None)) as database:
            database.execute("ALTER TABLE spend RENAME TO gone")
            hold.settle(Decimal("0.1"), certain=True)
            await keys.ledger.written()
            database.execute("ALTER TABLE gone RENAME TO spend")
        with pytest.raises(BudgetExceededError):
            await account.reserve(MODEL, Decimal("0.5"), "second")
        assert state_of(keys).reserved == Decimal("0.8")


async def test_what_is_withheld_leaves_no_room(keys: KeyStore) -> None:
    made = keys.create(budget="1").key
    hold = hold_of(keys, made, "0.4")
    assert await keys.ledger.hold(hold) is None
    hold.settle(Decimal("0.1"), certain=False)
    await keys.ledger.written()
    assert state_of(keys).withheld == Decimal("0.3")
    lacks = [await keys.ledger.hold(hold_of(keys, made, part)) for part in ("0.61", "0.6")]
    assert [lack is None for lack in lacks] == [False, True]


@pytest.mark.parametrize("limits", [{"rpm": 1}, {"tpm": 100}])
async def test_what_was_counted_a_minute_ago_counts_no_more(
    keys: KeyStore, place: str, limits: dict[str, int]
) -> None:
    key = keys.create(rpm=limits.get("rpm"), tpm=limits.get("tpm")).key
    for _ in range(3):
        await keys.ledger.admit(key, 60)
        with pytest.raises(ProviderRateLimitError) as refused:
            await keys.ledger.admit(key, 60)
        assert refused.value.retry_after is not None
        assert 59 <= refused.value.retry_after <= 61
        kept = let_a_minute_pass(place, key.id)
    if place.startswith("unix:"):
        assert kept == 2  # older ones are dropped


async def test_the_largest_budget_is_exact_to_its_last_unit(keys: KeyStore) -> None:
    made = keys.create(budget="9000000").key
    parts = ("8999999.999999998", "0.000000003", "0.000000002", "0.000000001")
    lacks = [await keys.ledger.hold(hold_of(keys, made, part)) for part in parts]
    assert [lack is None for lack in lacks] == [True, False, True, False]


async def test_a_count_that_cannot_be_written_takes_no_other_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with KeyStore(tmp_path / "serve.db") as keys:
        made = keys.create(budget="1", tpm=100).key
        hold = hold_of(keys, made, "0.5")
        assert await keys.ledger.hold(hold) is None
        with closing(sqlite3.connect(tmp_path / "serve.db", isolation_level=None)) as database:
            database.execute("DROP TABLE pace")
        hold.settle(Decimal("0.1"), certain=True)
        keys.ledger.correct(made, 0, 5)
        await keys.ledger.written()
        assert state_of(keys).spent == Decimal("0.1")
    assert "are counted by estimate" in caplog.text


async def test_what_nobody_waits_for_is_written_with_the_next_turn_of_the_loop(keys: KeyStore) -> None:
    hold = hold_of(keys, keys.create(budget="1").key, "0.5")
    assert await keys.ledger.hold(hold) is None
    hold.settle(Decimal("0.1"), certain=True)
    await anyio.wait_all_tasks_blocked()
    await keys.is_in_use()
    assert state_of(keys).spent == Decimal("0.1")


def test_on_trio_a_cost_is_written_at_once(tmp_path: Path) -> None:
    async def spend() -> None:
        hold = hold_of(keys, keys.create(budget="1").key, "0.5")
        assert await keys.ledger.hold(hold) is None
        hold.settle(Decimal("0.1"), certain=True)
        assert state_of(keys).spent == Decimal("0.1")

    with KeyStore(tmp_path / "serve.db") as keys:
        anyio.run(spend, backend="trio")


async def test_a_stream_that_is_collected_while_the_file_is_in_use_settles_after_it(tmp_path: Path) -> None:
    with KeyStore(tmp_path / "serve.db") as keys:
        made = keys.create(budget="1").key
        hold = hold_of(keys, made, "0.5")
        assert await keys.ledger.hold(hold) is None
        database = keys.ledger._database  # type: ignore[attr-defined]
        with database:
            hold.settle(Decimal("0.1"), certain=True)
            waiting = Thread(target=database.written)
            waiting.start()
        waiting.join()
        assert (state_of(keys).spent, state_of(keys).reserved) == (Decimal("0.1"), Decimal(0))
