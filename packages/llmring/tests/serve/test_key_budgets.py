"""Budgets of keys are walls: under concurrency, over several processes, over restarts."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from asgi import Reply, ask
from gateways import CHAT, OPENAI, STREAMED, ring_of
from llmring.serve import Gateway, KeyState, KeyStore, app
from llmring_providers.sim import Answer, Rule, Tokens, faults

COST = Decimal("0.0004")
"""Of an answer: 200 tokens out at 2 dollars a million; those that came in are none, as the simulator is told."""
ANSWER = Answer(text="word " * 20, chunk_size=10, usage=Tokens(prompt_tokens=0, completion_tokens=200))
CALL = {**CHAT, "max_tokens": 600}
MOST = Decimal("0.0012"), Decimal("0.00122")
"""Between these is the worst case of a call: 600 tokens out, and its few tokens in."""


@pytest.fixture
def keys(tmp_path: Path) -> Iterator[KeyStore]:
    with KeyStore(tmp_path / "serve.db") as store:
        yield store


def state_of(keys: KeyStore) -> KeyState:
    (state,) = keys.states()
    return state


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


async def test_several_processes_share_one_wall(keys: KeyStore) -> None:
    secret = keys.create(budget=str(40 * COST + Decimal("0.0009"))).secret
    with KeyStore(keys.path) as other:
        async with ring_of(Rule(answer=ANSWER)) as ring, ring_of(Rule(answer=ANSWER)) as second:
            gateways = [app(ring, keys=keys), app(second, keys=other)]
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


async def test_what_an_answer_cost_is_in_the_file_before_the_answer_is_sent(keys: KeyStore) -> None:
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


async def test_what_a_dead_process_had_set_aside_stays_out_of_reach(keys: KeyStore) -> None:
    secret = keys.create(budget=str(4 * COST)).secret
    async with ring_of(Rule(fault=faults.Stall())) as ring, anyio.create_task_group() as group:
        dead = KeyStore(keys.path)
        group.start_soon(ask_all, [app(ring, keys=dead)], 1, secret, CALL)
        await anyio.wait_all_tasks_blocked()
        dead._database.close()  # as if it had been killed: nothing more reaches the file
        async with ring_of(Rule(answer=ANSWER)) as living:
            replies = await ask_all([app(living, keys=keys)], 3, secret, CALL)
        group.cancel_scope.cancel()
    state = state_of(keys)
    assert [reply.status for reply in replies] == [429, 429, 429]
    assert state.spent == 0
    assert MOST[0] < state.reserved < MOST[1]
    keys._database.execute("UPDATE worker SET seen = 0")
    keys.ledger._next_beat = 0.0
    assert not keys.ledger.hold(state.key.id, "total", 10**12, 1)  # a sign of life buries the dead
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
    state = state_of(keys)
    assert state.reserved == 0
    assert state.spent is not None
    assert MOST[0] < state.spent + state.withheld < MOST[1]


async def test_the_refusal_names_the_budget_and_no_amount_of_others(keys: KeyStore) -> None:
    secret = keys.create(budget="0.0001/month").secret
    async with ring_of(Rule(answer=ANSWER)) as ring:
        (reply,) = await ask_all([app(ring, keys=keys)], 1, secret, CALL)
    assert "of the budget of the key, $0.0001" in reply.json["error"]["message"]


def test_what_was_given_up_for_dead_and_settles_after_all_leaves_nothing_behind(keys: KeyStore) -> None:
    made = keys.create(budget="1").key
    with KeyStore(keys.path) as late:
        assert late.ledger.hold(made.id, "total", 10**9, 10**12)
        keys._database.execute("UPDATE worker SET seen = 0")
        assert keys.ledger.hold(made.id, "total", 1, 10**12)  # a sign of life buries the dead
        assert state_of(keys).withheld == Decimal("0.001")
        late.ledger.settle(made.id, "total", 10**9, 10**8, 10**12, certain=True)
        late.ledger.settle(made.id, "other", 10**9, 0, 10**12, certain=True)
    assert (state_of(keys).spent, state_of(keys).withheld) == (Decimal("0.0001"), Decimal(0))
    assert keys.ledger.totals(made.id, "other")[:2] == (0, 0)
