"""llmring serve as a process that others talk to."""

import http.client
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from json_output import validate_output
from key_stores import KINDS, redis_server
from llmring.serve import Budget, KeyStore
from llmring.testing import Answer, Rule, Script, Tokens, faults
from served import CHAT, CHAT_PATH, LLMRING, LOCKFILE, served

SLOW = Script(rules=(Rule(answer=Answer(text="one two three four", chunk_size=4, pace=0.1)),))
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent in POSIX's way")


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The place of a store of keys."""
    if request.param == "file":
        yield str(tmp_path / "keys" / "serve.db")
        return
    with redis_server(tmp_path) as url:
        yield url


def test_it_prints_one_document_answers_and_ends_with_an_interrupt(tmp_path: Path) -> None:
    with served(tmp_path, Script(rules=(Rule(answer=Answer(text="served")),))) as gateway:
        validate_output("serve", gateway.document)
        with gateway.ask(CHAT) as reply:
            assert msgspec.json.decode(reply.read())["choices"][0]["message"]["content"] == "served"
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(30) == 130


def test_a_stream_under_way_is_finished_before_it_ends(tmp_path: Path) -> None:
    with served(tmp_path, SLOW) as gateway:
        with gateway.ask({**CHAT, "stream": True}) as reply:
            first = reply.readline()
            gateway.process.send_signal(signal.SIGTERM)
            rest = reply.read()
        assert gateway.process.wait(30) == -signal.SIGTERM
    assert first.startswith(b"data: ")
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(("most", "status"), [(4096, 200), (400, 503)])
def test_clients_are_served_or_refused_where_few_files_may_be_open(
    tmp_path: Path, most: int, status: int
) -> None:
    with served(tmp_path, before=f"ulimit -Sn 200; ulimit -Hn {most}") as gateway, ExitStack() as idle:
        host, _, port = gateway.address.rpartition(":")
        for _ in range(300):
            idle.enter_context(socket.create_connection((host, int(port)), timeout=30))
        with gateway.ask(CHAT) as reply:
            assert reply.status == status


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with served(tmp_path) as gateway:
        port = gateway.address.rpartition(":")[2]
        again = subprocess.run(
            [LLMRING, "serve", "--port", port], cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert f"cannot listen on 127.0.0.1:{port}" in again.stderr


def test_a_process_that_is_killed_forgets_nothing_that_it_answered(tmp_path: Path, place: str) -> None:
    rules = (Rule(until=3, answer=Answer(text="ok")), Rule(fault=faults.Stall()))
    with KeyStore(place) as keys:
        secret = keys.create(budget="1/month").secret
    costs = []
    with served(tmp_path, Script(rules=rules), "--store", place) as gateway:
        for _ in range(3):
            with gateway.ask(CHAT, key=secret) as reply:
                costs.append(Decimal(reply.headers["llmring-cost"]))
        with closing(http.client.HTTPConnection(gateway.address, timeout=30)) as connection:
            connection.request(
                "POST", CHAT_PATH, msgspec.json.encode(CHAT), {"authorization": f"Bearer {secret}"}
            )
            with KeyStore(place) as keys:
                while not keys.states()[0].reserved:
                    assert gateway.process.poll() is None
            gateway.process.kill()
            gateway.process.wait(30)
    with KeyStore(place) as keys:
        (state,) = keys.states()
    assert state.spent == sum(costs)
    assert state.reserved > 0
    with served(tmp_path, None, "--store", place) as gateway, gateway.ask(CHAT, key=secret) as reply:
        assert reply.status == 200
        costs.append(Decimal(reply.headers["llmring-cost"]))
    with KeyStore(place) as keys:
        assert keys.states()[0].spent == sum(costs)


def test_200_clients_of_two_gateways_spend_no_more_than_their_key_may(tmp_path: Path, place: str) -> None:
    answer = Answer(text="word", usage=Tokens(prompt_tokens=0, completion_tokens=200))
    script = Script(rules=(Rule(answer=answer),))
    call = {**CHAT, "max_tokens": 300}
    with KeyStore(place) as keys:
        rich = keys.create().secret
    with (
        served(tmp_path, script, "--store", place) as one,
        served(tmp_path, script, "--store", place) as other,
    ):
        with one.ask(call, key=rich) as reply:
            cost = Decimal(reply.headers["llmring-cost"])
        with KeyStore(place) as keys:
            poor = keys.create(budget=Budget(40 * cost)).secret

        def client(number: int) -> int:
            with (one, other)[number % 2].ask(call, key=poor) as reply:
                reply.read()
                return reply.status

        with ThreadPoolExecutor(32) as clients:
            statuses = list(clients.map(client, range(200)))
    with KeyStore(place) as keys:
        state = keys.states()[1]
    assert set(statuses) == {200, 429}
    assert 20 < statuses.count(200) <= 40
    assert state.spent == statuses.count(200) * cost
    assert state.reserved + state.withheld == 0


def test_without_keys_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "llmring.lock").write_text(LOCKFILE)
    refused = subprocess.run(
        [LLMRING, "serve", "--host", "0.0.0.0", "--store", "serve.db"],  # noqa: S104 - what is refused
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "llmring serve key create" in refused.stderr


def test_the_first_key_counts_in_a_gateway_that_runs(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "serve.db"
    with served(tmp_path, None, "--store", str(path)) as gateway:
        with gateway.ask(CHAT) as reply:
            assert reply.status == 200
        with KeyStore(path) as keys:
            secret = keys.create().secret
        for key, status in (("", 401), (secret, 200)):
            with gateway.ask(CHAT, key=key) as reply:
                assert reply.status == status


def test_a_key_is_made_and_revoked_by_commands(tmp_path: Path) -> None:
    def command(*arguments: str) -> Any:
        words: list[str | Path] = [LLMRING, "serve", "key", *arguments, "--store", "keys.db"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        return (
            msgspec.json.decode(done.stdout)
            if "--json" in arguments
            else (done.returncode, done.stdout, done.stderr)
        )

    made = command("create", "ci", "--budget", "2/day", "--rpm", "3", "--json")
    assert made["secret"].startswith("llmr-")
    _, listed, _ = command("list")
    assert "all aliases, $2/day, 3 requests a minute" in listed
    revoked = command("revoke", made["id"], "--json")
    validate_output("serve-key-revoke", revoked)
    assert revoked["revoked_at"] is not None
    code, _, problem = command("revoke", "nobody")
    assert (code, problem.count("\n")) == (1, 1)


def test_a_folder_without_a_lockfile_is_warned_of(tmp_path: Path) -> None:
    with subprocess.Popen(
        [LLMRING, "serve", "--port", "0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        warning = process.stderr.readline()
        process.kill()
    assert warning.startswith("warning: there is no lockfile here")


def test_keys_in_redis_are_made_listed_and_revoked_and_its_password_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "open-sesame"
    monkeypatch.setenv("LLMRING_SERVE_STORE", f"unix://:{password}@{tmp_path / 'redis.sock'}")

    def key_command(*arguments: str) -> str:
        words: list[str | Path] = [LLMRING, "serve", "key", *arguments, "--json"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        texts.append(done.stdout + done.stderr)
        return done.stdout

    texts: list[str] = []
    with redis_server(tmp_path, "--requirepass", password), served(tmp_path) as gateway:
        made = msgspec.json.decode(key_command("create", "ci", "--budget", "1"))
        with gateway.ask(CHAT, key=made["secret"]) as reply:
            assert reply.status == 200
            cost = reply.headers["llmring-cost"]
        (listed,) = msgspec.json.decode(key_command("list"))
        assert (listed["id"], Decimal(listed["spent"])) == (made["id"], Decimal(cost))
        key_command("revoke", made["id"])
        with gateway.ask(CHAT, key=made["secret"]) as reply:
            assert reply.status == 401
        gateway.process.send_signal(signal.SIGTERM)
        _, errors = gateway.process.communicate(timeout=30)
    assert "redis.sock may lose keys and what they have spent when it restarts: set appendonly yes" in errors
    refused = subprocess.run(
        [LLMRING, "serve", "key", "list"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert "redis.sock does not answer" in refused.stderr
    assert password not in "".join([*texts, errors, refused.stderr, str(gateway.document)])


def test_a_gateway_that_starts_with_keys_never_opens(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url:
        with KeyStore(url) as keys:
            keys.create()
        with served(tmp_path, None, "--store", url) as gateway:
            with redis.Redis.from_url(url) as server:
                server.flushall()
            with gateway.ask(CHAT) as reply:
                assert reply.status == 401
