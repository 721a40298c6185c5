"""Keys: made once, kept hashed, bound to aliases and profiles, paced, revoked."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asgi import Reply, ask
from gateways import ANTHROPIC, CHAT, CLAUDE, GEMINI, OPENAI, STREAMED, ring_of
from llmring.serve import Budget, GatewayKey, KeyStore, app
from llmring.serve._keys._ledger import check_pace
from llmring_types.exceptions import ConfigurationError, ProviderRateLimitError, ValidationError

ELSEWHERE = ("10.0.0.7", 1234)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[KeyStore]:
    store = KeyStore(tmp_path / "serve.db")
    yield store
    store.close()


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_a_key_is_taken_by_the_header_of_every_protocol_from_wherever(keys: KeyStore) -> None:
    secret = keys.create().secret
    for path, body, headers in (
        (OPENAI, CHAT, bearer(secret)),
        (OPENAI, CHAT, {"authorization": f"bearer  {secret} "}),
        (ANTHROPIC, CLAUDE, {"x-api-key": secret}),
        ("/v1beta/models/fast:generateContent", GEMINI, {"x-goog-api-key": secret}),
    ):
        async with ring_of() as ring:
            reply = await ask(app(ring, keys=keys), path, body, headers=headers, client=ELSEWHERE)
        assert reply.status == 200


@pytest.mark.parametrize("headers", [{}, bearer("llmr-wrong"), bearer(""), {"x-api-key": "\xe9"}])
async def test_once_there_is_a_key_nobody_comes_in_without_one(
    keys: KeyStore, headers: dict[str, str]
) -> None:
    async with ring_of() as ring:
        gateway = app(ring, keys=keys)
        assert (await ask(gateway, OPENAI, CHAT)).status == 200
        keys.revoke(keys.create().key.id)
        for path, body in ((OPENAI, CHAT), ("/v1/models", None)):
            reply = await ask(gateway, path, body, headers=headers)
            assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")
            assert reply.headers["x-request-id"].startswith("req_")


async def test_a_gateway_started_before_the_first_key_asks_for_it_at_once(tmp_path: Path) -> None:
    path = tmp_path / "later" / "serve.db"
    with KeyStore(path, lazy=True) as lazy:
        async with ring_of() as ring:
            gateway = app(ring, keys=lazy)
            assert (await ask(gateway, OPENAI, CHAT, headers=bearer("llmr-none"))).status == 200
            assert (lazy.states(), lazy.in_use, path.parent.exists()) == ([], False, False)
            with KeyStore(path) as other:
                assert (await ask(gateway, OPENAI, CHAT)).status == 200
                secret = other.create(rpm=1, budget="1").secret
            assert (await ask(gateway, OPENAI, CHAT)).status == 401
            replies = [await ask(gateway, OPENAI, CHAT, headers=bearer(secret)) for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]


async def test_a_file_of_somebody_else_that_comes_later_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "serve.db"
    keys = KeyStore(path, lazy=True)
    path.symlink_to(tmp_path / "nothing")
    async with ring_of() as ring:
        assert (await ask(app(ring, keys=keys), OPENAI, CHAT)).status == 500


def test_a_lazy_store_makes_its_file_with_the_first_key(tmp_path: Path) -> None:
    with KeyStore(tmp_path / "serve.db", lazy=True) as keys:
        made = keys.create()
        assert keys.find(made.secret) == made.key


async def test_a_revoked_key_is_refused_at_once_also_by_other_processes(keys: KeyStore, place: str) -> None:
    made = keys.create()
    async with ring_of() as ring:
        gateway = app(ring, keys=keys)
        assert (await ask(gateway, OPENAI, CHAT, headers=bearer(made.secret))).status == 200
        with KeyStore(place) as other:
            other.revoke(made.key.id)
        assert (await ask(gateway, OPENAI, CHAT, headers=bearer(made.secret))).status == 401


async def test_a_key_is_for_its_aliases_alone(keys: KeyStore) -> None:
    headers = bearer(keys.create(aliases=["safe", "sim:one"]).secret)
    async with ring_of() as ring:
        gateway = app(ring, keys=keys, direct_models=True)
        statuses = [
            (await ask(gateway, OPENAI, {**CHAT, "model": name}, headers=headers)).status
            for name in ("safe", "fast", "sim:one", "sim:two")
        ]
        listed = (await ask(gateway, "/v1/models", headers=headers)).json
        refused = await ask(gateway, OPENAI, CHAT, headers=headers)
    assert statuses == [200, 403, 200, 403]
    assert refused.json["error"]["code"] is None  # the vendor's own is about countries
    assert [each["id"] for each in listed["data"]] == ["safe"]


async def test_a_key_is_for_its_profile_alone(keys: KeyStore) -> None:
    headers = bearer(keys.create(profile="other").secret)
    async with ring_of() as ring:
        gateway = app(ring, keys=keys)
        assert (await ask(gateway, OPENAI, CHAT, headers=headers)).headers["llmring-model"] == "sim:other"
        refused = await ask(gateway, OPENAI, CHAT, headers={**headers, "llmring-profile": "default"})
    assert refused.status == 403


async def test_counts_of_tokens_go_by_the_pace_of_requests_and_use_no_tokens(keys: KeyStore) -> None:
    headers = {"x-api-key": keys.create(rpm=2, tpm=1).secret}
    async with ring_of() as ring:
        gateway = app(ring, keys=keys)
        path = "/v1/messages/count_tokens"
        statuses = [(await ask(gateway, path, CLAUDE, headers=headers)).status for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_requests_beyond_the_pace_are_told_when_to_come_again(keys: KeyStore) -> None:
    headers = bearer(keys.create(rpm=3).secret)
    async with ring_of() as ring:
        replies = [await ask(app(ring, keys=keys), OPENAI, CHAT, headers=headers) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 61


ROWS = [(100, 1, 500), (110, 2, 600), (125, 1, 0)]
"""Seconds, requests and tokens."""


@pytest.mark.parametrize(
    ("limits", "tokens", "wait"),
    [
        ({"rpm": 5}, 9_999, None),
        ({"rpm": 4}, 0, 31),  # once the request of second 100 is more than a minute old
        ({"rpm": 3}, 0, 41),
        ({"rpm": 1}, 0, 56),
        ({"tpm": 1300}, 200, None),
        ({"tpm": 1299}, 200, 31),
        ({"tpm": 800}, 200, 31),
        ({"tpm": 799}, 200, 41),
        ({"tpm": 100}, 200, 56),
        ({"rpm": 4, "tpm": 799}, 200, 31),
        ({}, 9_999, None),
    ],
)
def test_a_pace_says_when_there_is_room_again(
    limits: dict[str, Any], tokens: int, wait: float | None
) -> None:
    key = GatewayKey(id="k", **limits)
    if wait is None:
        check_pace(key, ROWS, tokens, 130)
        return
    what = "requests" if "rpm" in limits else "tokens"
    with pytest.raises(ProviderRateLimitError) as caught:
        check_pace(key, ROWS, tokens, 130)
    assert caught.value.retry_after == wait
    assert f" {what} a minute" in str(caught.value)


async def test_tokens_are_admitted_up_to_the_pace_and_not_one_more(keys: KeyStore) -> None:
    key = keys.create(tpm=1000).key
    await keys.ledger.admit(key, 400)
    second = await keys.ledger.admit(key, 600)
    with pytest.raises(ProviderRateLimitError):
        await keys.ledger.admit(key, 1)
    keys.ledger.correct(key, second, -1)
    await keys.ledger.written()
    await keys.ledger.admit(key, 1)
    with pytest.raises(ProviderRateLimitError):
        await keys.ledger.admit(key, 1)


@pytest.mark.parametrize("body", [CHAT, CHAT | STREAMED])
async def test_tokens_count_as_they_were_used(keys: KeyStore, body: dict[str, object]) -> None:
    headers = bearer(keys.create(tpm=2000).secret)
    replies: list[Reply] = []
    async with ring_of() as ring:
        while len(replies) < 200 and (not replies or replies[-1].status == 200):
            replies.append(
                await ask(app(ring, keys=keys), OPENAI, {**body, "max_tokens": 1000}, headers=headers)
            )
    assert 50 < len(replies) < 200
    assert replies[-1].status == 429


async def test_the_log_names_the_key_and_the_request(keys: KeyStore) -> None:
    asked = []
    made = keys.create()
    async with ring_of(observers=[lambda record: asked.append(record.request.metadata)]) as ring:
        reply = await ask(app(ring, keys=keys), OPENAI, CHAT, headers=bearer(made.secret))
    assert asked == [{"request_id": reply.headers["x-request-id"].removeprefix("req_"), "key": made.key.id}]


def test_no_secret_is_in_the_file_or_in_a_repr(file: KeyStore, tmp_path: Path) -> None:
    made = file.create("mine", budget="20/month")
    file.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert made.secret.encode() not in content
    assert made.secret not in repr(made)
    assert b"mine" in content


async def test_what_was_made_is_found_again(keys: KeyStore, place: str) -> None:
    made = keys.create("ci", aliases=["fast"], profile="prod", budget="0.5/day", rpm=6, tpm=7)
    with KeyStore(place) as again:
        assert again.find(made.secret) == made.key == again.states()[0].key
    assert await keys.look_up(made.secret) == made.key
    assert made.key.budget == Budget(Decimal("0.5"), "day")
    assert keys.find("llmr-other") is None


def test_a_key_that_is_not_there_cannot_be_revoked_and_one_that_was_stays_so(place: str) -> None:
    with KeyStore(place) as keys:
        used = [keys.in_use]
        first, other = keys.create().key, keys.create().key
        since = keys.revoke(other.id).revoked_at
        assert since is not None
        assert keys.revoke(other.id).revoked_at == since
        assert [state.key.revoked_at for state in keys.states()] == [None, since]
        assert [*used, keys.in_use] == [False, True]
        with pytest.raises(ValidationError, match="no key 'none'"):
            keys.revoke("none")
        assert first.revoked_at is None


def test_a_file_has_no_settings_that_could_lose_it(file: KeyStore) -> None:
    assert file.problems() == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_for_its_owner_alone(file: KeyStore, tmp_path: Path) -> None:
    file.create()
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


async def test_a_store_that_fails_lets_nobody_in_and_names_no_file(
    file: KeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    secret = file.create().secret
    async with ring_of() as ring:
        gateway = app(ring, keys=file)
        file.close()
        replies = [
            await ask(gateway, path, body, headers=bearer(secret))
            for path, body in ((OPENAI, CHAT), ("/metrics", None))
        ]
    assert [reply.status for reply in replies] == [500, 500]
    assert all(b"serve.db" not in reply.body for reply in replies)
    assert "serve.db" in caplog.text


def link(path: Path) -> None:
    other = path.with_name("other.db")
    KeyStore(other).close()
    path.symlink_to(other)


def readable(path: Path) -> None:
    KeyStore(path).close()
    path.chmod(0o644)


def of_another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE key (id)")
    path.chmod(0o600)


def with_a_trigger(path: Path) -> None:
    KeyStore(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TRIGGER more AFTER INSERT ON key BEGIN UPDATE key SET budget = NULL; END")


def of_a_later_version(path: Path) -> None:
    KeyStore(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


def no_database(path: Path) -> None:
    path.write_text("text")
    path.chmod(0o600)


def a_pipe(path: Path) -> None:
    os.mkfifo(path, 0o600)


@pytest.mark.skipif(os.name != "posix", reason="modes, links and pipes are POSIX's")
@pytest.mark.parametrize(
    "prepare",
    [link, readable, of_another_program, with_a_trigger, of_a_later_version, no_database, a_pipe, Path.mkdir],
)
def test_a_file_of_somebody_else_is_refused(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    path = tmp_path / "serve.db"
    prepare(path)
    with pytest.raises(ConfigurationError, match=r"serve\.db"):
        KeyStore(path)


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "20/year", "nan", "inf/day", "1e9", "5/"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="budget"):
        Budget.parse(text)


@pytest.mark.parametrize(
    ("text", "shown", "period"),
    [
        ("20/month", "$20/month", "2026-12"),
        ("$5/week", "$5/week", "2027-W01"),
        ("0.5/Day", "$0.5/day", "2026-12-31"),
        ("100", "$100", "total"),
    ],
)
def test_periods_are_those_of_the_calendar(text: str, shown: str, period: str) -> None:
    budget = Budget.parse(text)
    moment = datetime(2026, 12, 31, tzinfo=UTC) if "week" not in text else datetime(2027, 1, 4, tzinfo=UTC)
    assert (str(budget), budget.current(moment)) == (shown, period)


@pytest.mark.parametrize("field", ["rpm", "tpm"])
@pytest.mark.parametrize("value", [0, -1, True, 2**60])
def test_a_pace_is_a_number_above_0(field: str, value: int) -> None:
    with pytest.raises(ValidationError, match=field):
        GatewayKey(id="x", **{field: value})  # type: ignore[arg-type]
