"""Jobs through simulated batch APIs: every row exactly one answer, whatever goes wrong."""

from collections.abc import Sequence
from contextlib import aclosing
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec
import pytest
import trio
from batch_hosts import MODELS, Host, Recorder, Row, answered, cost_of, each, row_said, rows_of
from llmring import CallRecord, LLMRequest, Message, Policy
from llmring.bulk._batch_parts import BatchHandle, BatchPart, MemoryStore
from llmring.bulk._batch_rows import Encoder
from llmring.testing import Answer, BatchRule, Rule, Script, faults
from llmring_providers.sim.transport import SimStream
from llmring_providers.transport import HttpRequest, TransportError
from llmring_types.exceptions import (
    BatchCancelledError,
    BatchExpiredError,
    BatchRejectedError,
    BudgetExceededError,
    ModelCapabilityError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderServerError,
    StructuredOutputError,
    ValidationError,
)

FAULTS = BatchRule(
    until=2,
    looks=2,
    lost_looks=1,
    expired_every=37,
    lost_every=41,
    repeated_every=43,
    is_shuffled=True,
    has_stray=True,
)
VENDORS = ("openai", "anthropic", "google")


@pytest.mark.parametrize("protocol", VENDORS)
async def test_ten_thousand_rows_with_faults_are_all_matched_and_none_is_paid_twice(protocol: str) -> None:
    model = MODELS[protocol]
    script = Script((Rule(call=50, every=97, until=9_000, fault=faults.Status(status=500)),), (FAULTS,))
    host = Host(script)
    rows = rows_of(model, 10_000)
    found = await answered(host.run(part_bytes=2**20), rows)
    responses = [answer.response for answer in found.values() if answer.response is not None]
    assert len(responses) == len(rows)
    assert [row_said(answer.response) for answer in found.values() if answer.response] == list(found)
    assert {(response.usage or {})["service_tier"] for response in responses} == {"batch"}
    stated = sum(Decimal(repr((response.usage or {})["cost"])) for response in responses)
    assert stated == cost_of(responses, model)
    processed = [result for batch in host.batches for result in batch.results or () if result.status == 200]
    keys = [result.key for result in processed if not result.key.startswith("nobody")]
    assert len(set(keys)) == len(rows)  # those that come twice have one key


@pytest.mark.parametrize("vendor", MODELS)
async def test_a_row_is_sent_as_it_would_be_alone(vendor: str) -> None:
    host, model = Host(), MODELS[vendor]
    rows = rows_of(model, 2, temperature=0.5, max_tokens=70)
    await answered(host.run(), rows)
    for row, sent in zip(rows, host.asked(), strict=True):
        await host.ring.chat(row.request)
        alone = host.transport.seen[-1]
        assert urlsplit(alone.url).path == sent.url
        assert msgspec.json.decode(alone.body) == msgspec.json.decode(sent.body)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_parts_keep_within_their_size(vendor: str) -> None:
    host = Host()
    await answered(host.run(part_bytes=4_000), rows_of(MODELS[vendor], 100))
    sizes = [sum(len(line.request.body) for line in batch.lines) for batch in host.batches]
    assert len(sizes) > 3
    assert max(sizes) <= 4_000


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_whose_answer_was_lost_is_found_and_not_submitted_again(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(until=1, lost_create=True, looks=2),)))
    found = await answered(host.run(), rows_of(MODELS[vendor], 5))
    assert all(answer.response is not None for answer in found.values())
    assert len(list(host.batches)) == 1


class Dying(MemoryStore):
    """A store whose process dies when it has to keep a part in a state."""

    def __init__(self, state: str, parts: tuple[BatchPart, ...] = ()) -> None:
        super().__init__(parts)
        self.state = state

    async def save(self, part: BatchPart) -> None:
        if part.state == self.state:
            raise KeyboardInterrupt
        await super().save(msgspec.convert(msgspec.to_builtins(part), BatchPart))


async def until_death(host: Host, store: Dying, rows: Sequence[Row]) -> int:
    """Return the number of answers that came before the process died."""
    seen = 0
    try:
        async for _ in host.run(store=store).answers(each(rows)):
            seen += 1
    except KeyboardInterrupt:
        return seen
    raise AssertionError("it lives")


@pytest.mark.parametrize("state", ["open", "done"])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_job_that_dies_is_taken_up_and_nothing_is_submitted_twice(vendor: str, state: str) -> None:
    host = Host(Script(batches=(BatchRule(looks=1),)))
    rows, store = rows_of(MODELS[vendor], 7), Dying(state)
    assert await until_death(host, store, rows) == (7 if state == "done" else 0)
    document = store.handle.to_json()
    parts = BatchHandle.from_json(document).parts
    found = await answered(host.run(store=MemoryStore(parts)), rows)
    assert [row_said(answer.response) for answer in found.values() if answer.response] == list(found)
    assert len(list(host.batches)) == 1


async def test_rows_that_expire_after_a_death_are_submitted_again_by_the_next_run() -> None:
    host = Host(Script(batches=(BatchRule(until=1, looks=1, expired_every=2),)))
    rows, store = rows_of(MODELS["anthropic"], 4), Dying("open")
    assert await until_death(host, store, rows) == 0
    found = await answered(host.run(store=MemoryStore(store.handle.parts)), rows)
    assert all(answer.response is not None for answer in found.values())
    assert [len(batch.lines) for batch in host.batches] == [4, 2]


async def test_a_request_that_gemini_cancels_by_itself_is_submitted_again() -> None:
    host = Host(Script((Rule(call=1, fault=faults.Status(status=499)),)))
    found = await answered(host.run(), rows_of(MODELS["google"], 2))
    assert all(answer.response is not None for answer in found.values())
    assert {key: answer.attempts for key, answer in found.items()} == {"k0": 2, "k1": 1}


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_full_queue_is_waited_for_and_no_attempt_is_counted(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(until=7, is_queue_full=True),)))
    found = await answered(host.run(), rows_of(MODELS[vendor], 2))
    assert all(answer.response is not None for answer in found.values())
    assert {answer.attempts for answer in found.values()} == {1}
    assert host.clock.time > 30


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_queue_that_stays_full_until_the_deadline_hands_the_rows_back(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(is_queue_full=True),)))
    found = await answered(host.run(tail="live", deadline_s=600.0), rows_of(MODELS[vendor], 2))
    assert all(answer.live for answer in found.values())
    assert all(answer.error is not None and answer.error.retryable for answer in found.values())


async def test_a_part_that_never_arrived_is_submitted_by_the_next_run() -> None:
    host, rows = Host(), rows_of(MODELS["anthropic"], 3)
    lost = BatchPart(
        label="lr0-0", provider="anthropic", model="claude-haiku-4-5", path="/v1/messages", rows={"00": "k0"}
    )
    store = MemoryStore([lost])
    found = await answered(host.run(store=store), rows)
    assert all(answer.response is not None for answer in found.values())
    assert await store.parts() == []
    assert [len(part.rows) for part in store.handle.parts] == [3]


async def test_a_batch_of_the_same_size_is_not_taken_for_one_that_never_arrived() -> None:
    host = Host()
    await answered(host.run(), rows_of(MODELS["anthropic"], 3, max_tokens=80))
    rows = rows_of(MODELS["anthropic"], 3)
    encoder = Encoder(host.ring._chat, None)
    digests = {(await encoder.encode(row.key, row.request)).row.digest: row.key for row in rows}
    lost = BatchPart(
        label="lr0-0", provider="anthropic", model="claude-haiku-4-5", path="/v1/messages", rows=digests
    )
    found = await answered(host.run(store=MemoryStore([lost])), rows)
    assert {answer.attempts for answer in found.values()} == {1}
    assert len(list(host.batches)) == 2


async def test_older_batches_are_not_waited_for_where_one_is_looked_for() -> None:
    host = Host(Script(batches=(BatchRule(until=1, looks=9_999),)))
    rows = rows_of(MODELS["anthropic"], 3)
    await host.ring.submit_batch([row.request for row in rows])
    host.simulation.script = Script(batches=(BatchRule(until=1, lost_create=True),))
    found = await answered(host.run(), rows)
    assert all(answer.response is not None for answer in found.values())
    assert len(list(host.batches)) == 2
    host.simulation.script = Script()
    gone = Host(transport=Deaf())
    gone.transport._simulation = host.simulation
    failed = await answered(gone.run(), rows)
    assert all(answer.error is not None for answer in failed.values())
    assert gone.clock.time < 60  # the first batch runs for days


class Deaf(Recorder):
    """A host whose connection breaks whenever a batch is created."""

    async def open(self, request: HttpRequest) -> SimStream:
        if request.method == "POST" and request.url.endswith("/batches"):
            raise TransportError("h.test: the connection was reset")
        return await super().open(request)


async def test_a_part_that_may_have_arrived_stays_in_the_store_to_be_looked_for() -> None:
    host, store = Host(transport=Deaf()), MemoryStore()
    found = await answered(host.run(store=store), rows_of(MODELS["anthropic"], 2))
    assert all(isinstance(answer.error, ProviderConnectionError) for answer in found.values())
    assert [part.state for part in await store.parts()] == ["sending"]
    assert len(host.clock.pauses) == 4


async def test_a_changed_row_is_a_new_one_and_its_old_answer_is_nobody_s() -> None:
    host = Host(Script(batches=(BatchRule(looks=1),)))
    rows, store = rows_of(MODELS["openai"], 3), Dying("done")
    assert await until_death(host, store, rows) == 3
    changed = [rows[0], rows[1], rows[2]._replace(request=rows_of(MODELS["openai"], 9)[8].request)]
    found = await answered(host.run(store=MemoryStore(store.handle.parts)), changed)
    said = {key: row_said(answer.response) for key, answer in found.items() if answer.response}
    assert said == {"k0": "k0", "k1": "k1", "k2": "k8"}
    assert [len(batch.lines) for batch in host.batches] == [3, 1]


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_row_that_expires_each_time_is_an_error_after_three_batches(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(expired_every=1),)))
    (answer,) = (await answered(host.run(), rows_of(MODELS[vendor], 1))).values()
    kind = ProviderServerError if vendor == "google" else BatchExpiredError  # a status of its own
    assert isinstance(answer.error, kind)
    assert answer.attempts == 3
    assert len(list(host.batches)) == 3


async def test_attempts_are_counted_where_rows_that_expired_fill_several_batches() -> None:
    host = Host(Script(batches=(BatchRule(expired_every=1),)))
    found = await answered(host.run(part_bytes=1), rows_of(MODELS["openai"], 3))
    assert [answer.attempts for answer in found.values()] == [3] * 3
    assert [len(batch.lines) for batch in host.batches] == [1] * 9


class Flaky(Recorder):
    """A host that cannot be reached by every second request that looks at a batch or reads its results."""

    async def open(self, request: HttpRequest) -> SimStream:
        is_look = request.method == "GET" and not urlsplit(request.url).path.endswith("/batches")
        self.looks += is_look
        if is_look and self.looks % 2:
            raise TransportError("h.test: the connection was reset")
        return await super().open(request)

    looks = 0


@pytest.mark.parametrize("vendor", VENDORS)
async def test_requests_that_fail_now_and_then_are_no_reason_to_give_a_batch_up(vendor: str) -> None:
    host = Host(transport=Flaky(Script(batches=(BatchRule(looks=60),))))
    found = await answered(host.run(), rows_of(MODELS[vendor], 2))
    assert [row_said(answer.response) for answer in found.values() if answer.response] == ["k0", "k1"]
    assert len(list(host.batches)) == 1


class Busy(Recorder):
    """A host that takes a batch only when it is asked again."""

    async def open(self, request: HttpRequest) -> SimStream:
        self.posts += request.method == "POST"
        if request.method == "POST" and self.posts == 1:
            raise ProviderRateLimitError("slow down", provider="anthropic", retry_after=7.0, status_code=429)
        return await super().open(request)

    posts = 0


async def test_the_wait_that_a_host_asks_for_is_kept_before_a_batch_is_submitted_again() -> None:
    host = Host(transport=Busy())
    (answer,) = (await answered(host.run(), rows_of(MODELS["anthropic"], 1))).values()
    assert answer.response is not None
    assert host.clock.pauses[0] == 7.0


async def test_with_a_live_tail_rows_that_failed_are_handed_back() -> None:
    host = Host(Script(batches=(BatchRule(expired_every=2),)))
    found = await answered(host.run(tail="live"), rows_of(MODELS["openai"], 4))
    assert {key for key, answer in found.items() if answer.live} == {"k1", "k3"}
    assert all(answer.response is not None for answer in found.values() if not answer.live)
    assert len(list(host.batches)) == 1


@pytest.mark.parametrize("vendor", VENDORS)
async def test_at_the_deadline_batches_are_cancelled_and_the_rest_is_handed_back(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(looks=20),)))
    run = host.run(tail="live", deadline_s=300.0)
    found = await answered(run, rows_of(MODELS[vendor], 6))
    assert all(batch.is_cancelled for batch in host.batches)
    assert {key for key, answer in found.items() if answer.response is not None} == {"k0", "k1", "k2"}
    assert {key for key, answer in found.items() if answer.live} == {"k3", "k4", "k5"}
    assert all(isinstance(found[key].error, BatchCancelledError) for key in ("k3", "k4", "k5"))


@pytest.mark.parametrize("vendor", VENDORS)
def test_trio_does_the_same(vendor: str) -> None:
    async def main() -> None:
        host = Host(Script(batches=(FAULTS,)))
        found = await answered(host.run(part_bytes=2_000), rows_of(MODELS[vendor], 120))
        assert {key: row_said(answer.response) for key, answer in found.items() if answer.response} == {
            key: key for key in found
        }
        handle = await host.ring.submit_batch([row.request for row in rows_of(MODELS[vendor], 3)])
        outcomes = [outcome async for outcome in host.ring.batch_results(handle)]
        assert all(outcome.error is None for outcome in outcomes)
        await host.ring.close()

    trio.run(main)


async def test_looks_begin_close_together_and_never_lie_further_apart_than_the_limit() -> None:
    host = Host(Script(batches=(BatchRule(looks=20),)))
    await answered(host.run(poll_s=30.0), rows_of(MODELS["openai"], 1))
    assert host.clock.pauses[0] == 5.0
    assert host.clock.pauses == sorted(host.clock.pauses)
    assert host.clock.pauses[-1] == 30.0


async def test_a_batch_may_be_looked_at_for_days() -> None:
    host = Host(Script(batches=(BatchRule(looks=2_000),)))
    found = await answered(host.run(), rows_of(MODELS["openai"], 1))
    assert found["k0"].response is not None
    assert max(host.clock.pauses) == 60


async def test_with_a_live_tail_the_rows_of_a_batch_that_is_refused_are_handed_back() -> None:
    for vendor in VENDORS:
        host = Host(Script(batches=(BatchRule(refusal="not in this tier"),)))
        (answer,) = (await answered(host.run(tail="live"), rows_of(MODELS[vendor], 1))).values()
        assert answer.live


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_that_somebody_cancels_is_not_submitted_again(vendor: str) -> None:
    host, rows, store = Host(), rows_of(MODELS[vendor], 4), Dying("open")
    await until_death(host, store, rows)
    (batch,) = host.batches
    batch.is_cancelled = True
    found = await answered(host.run(store=MemoryStore(store.handle.parts)), rows)
    assert [found[key].response is not None for key in sorted(found)] == [True, True, False, False]
    assert all(isinstance(found[key].error, BatchCancelledError) for key in ("k2", "k3"))
    assert len(list(host.batches)) == 1


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_batch_that_is_refused_is_the_error_of_its_rows(vendor: str) -> None:
    host = Host(Script(batches=(BatchRule(refusal="no such model"),)))
    found = await answered(host.run(), rows_of(MODELS[vendor], 2))
    kind = ProviderBadRequestError if vendor == "anthropic" else BatchRejectedError
    assert all(isinstance(answer.error, kind) for answer in found.values())
    assert all("no such model" in str(answer.error) for answer in found.values())
    assert len(list(host.batches)) == (0 if vendor == "anthropic" else 1)


async def test_an_error_of_one_row_is_its_own() -> None:
    host = Host(Script((Rule(call=2, fault=faults.Status(status=400, message="not like this")),)))
    found = await answered(host.run(), rows_of(MODELS["anthropic"], 3))
    assert isinstance(found["k1"].error, ProviderBadRequestError)
    assert found["k1"].attempts == 1
    assert found["k1"].error.attempts[0].billed is False
    assert all(found[key].response is not None for key in ("k0", "k2"))


async def test_the_json_that_was_asked_for_is_read() -> None:
    class City(msgspec.Struct):
        name: str

    host = Host(Script((Rule(call=1, answer=Answer(json={"name": "Oslo"})), Rule(answer=Answer(text="no")))))
    found = await answered(host.run(), rows_of(MODELS["openai"], 2, response_format=City))
    assert found["k0"].response is not None
    assert found["k0"].response.parsed == City("Oslo")
    assert isinstance(found["k1"].error, StructuredOutputError)
    assert found["k1"].error.response is not None
    assert (found["k1"].error.response.usage or {})["cost"] is not None
    assert found["k1"].attempts == 1


async def test_a_host_without_a_batch_api_says_so_and_is_asked_live_where_that_is_wanted() -> None:
    host = Host()
    host.ring.register_provider("groq", api_key="k")
    for tail, live in (("batch", False), ("live", True)):
        (answer,) = (await answered(host.run(tail=tail), rows_of("groq:llama", 1))).values()
        assert isinstance(answer.error, ModelCapabilityError)
        assert answer.live is live


async def test_two_rows_of_one_key_and_content_are_told_apart_by_an_error() -> None:
    host, (row,) = Host(), rows_of(MODELS["openai"], 1)
    answers = [answer async for answer in host.run().answers(each([row, row]))]
    assert sorted(type(answer.error).__name__ for answer in answers) == ["NoneType", "ValidationError"]


async def test_a_refused_key_ends_the_rows_and_not_the_job() -> None:
    host = Host()

    async def refuse(*_: object, **__: object) -> None:
        raise ProviderAuthenticationError("the key was refused", provider="openai")

    rows = rows_of(MODELS["openai"], 2) + rows_of(MODELS["anthropic"], 4)[2:]
    provider: object = host.ring.get_provider("openai")
    provider.upload_file = refuse  # type: ignore[attr-defined]
    found = await answered(host.run(), rows)
    assert isinstance(found["k0"].error, ProviderAuthenticationError)
    assert found["k2"].response is not None


async def test_a_budget_holds_for_rows_under_way_and_lets_more_in_as_they_end() -> None:
    rows = rows_of(MODELS["openai"], 40, max_tokens=500)
    one = Decimal("0.00016")  # a little above the worst case of one row by batch
    host = Host(policy=Policy(budget_usd=one * 10))
    found = await answered(host.run(), rows)
    responses = [answer.response for answer in found.values() if answer.response is not None]
    assert cost_of(responses, MODELS["openai"]) <= one * 10
    assert len(responses) > 10
    assert len(list(host.batches)) > 1
    assert all(
        isinstance(answer.error, BudgetExceededError) for answer in found.values() if answer.response is None
    )
    (state,) = host.ring.budgets
    assert state.reserved == state.withheld == 0
    assert state.spent == cost_of(responses, MODELS["openai"])
    assert len(next(iter(host.batches)).lines) == 10  # by the price of a batch, which is half


async def test_observers_get_a_record_of_each_row() -> None:
    records: list[CallRecord] = []
    host = Host(Script((Rule(call=2, fault=faults.Status(status=400)),)), observers=[records.append])
    await answered(host.run(), rows_of(MODELS["openai"], 3))
    assert [record.ending for record in records] == ["answered", "answered", "failed"]  # in a file of its own
    assert records[0].usage is not None
    assert records[0].usage["service_tier"] == "batch"
    assert records[0].cost == cost_of([records[0].response] if records[0].response else [], MODELS["openai"])
    assert records[2].attempts[0].billed is False
    assert {str(record.model) for record in records} == {MODELS["openai"]}
    records.clear()
    host.simulation.script = Script(batches=(BatchRule(expired_every=1),))
    await answered(host.run(), rows_of(MODELS["openai"], 1))
    assert [record.ending for record in records] == ["failed"]  # of three batches


async def test_what_was_set_aside_for_rows_without_an_answer_is_free_again() -> None:
    script = Script((Rule(call=1, fault=faults.Status(status=400)),), (BatchRule(expired_every=2),))
    host = Host(script, policy=Policy(budget_usd=1))
    found = await answered(host.run(tail="live"), rows_of(MODELS["anthropic"], 2, max_tokens=50))
    assert all(answer.error is not None for answer in found.values())
    (state,) = host.ring.budgets
    assert state.spent == state.reserved == state.withheld == 0


def test_a_handle_has_neither_prompts_nor_keys_of_providers() -> None:
    part = BatchPart(
        label="lr1-0",
        provider="openai",
        model="m",
        path="/chat/completions",
        rows={"d": "k"},
        batch_id="b",
        state="open",
    )
    handle = BatchHandle(parts=(part,))
    assert BatchHandle.from_json(handle.to_json()) == handle
    assert handle.rows == 1
    assert "'k'" not in repr(handle)


@pytest.mark.parametrize("document", [b"", b"[]", b"\xff", b'{"version":2}', b'{"parts":[{"label":1}]}'])
def test_what_is_no_handle_is_refused(document: bytes) -> None:
    with pytest.raises(ValidationError, match="handle"):
        BatchHandle.from_json(document)


async def test_messages_are_not_kept_for_rows_that_are_under_way() -> None:
    run = Host().run()
    async with aclosing(run.answers(each(rows_of(MODELS["openai"], 3)))) as answers:
        assert (await anext(answers)).response is not None
        parts = run._submission.open.values()
        shapes = {id(row.shape): row.shape for part in parts for row in part.rows.values()}
    (shape,) = shapes.values()
    assert shape.asked.messages == shape.prepared.messages == []
    assert shape.wire.body == b""


async def test_a_request_that_is_no_request_is_the_error_of_its_row() -> None:
    host, (row,) = Host(), rows_of(MODELS["openai"], 1)
    wrong = row._replace(request="Hi")  # type: ignore[arg-type]
    (answer,) = [each async for each in host.run().answers(each([wrong]))]
    assert isinstance(answer.error, ValidationError)
    empty = row._replace(request=LLMRequest([Message(role="user", content="x")], model="nobody"))
    (answer,) = [each async for each in host.run().answers(each([empty]))]
    assert answer.error is not None
