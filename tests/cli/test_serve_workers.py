"""llmring serve with several workers: one address, one account of all, and none that is missed when it dies.

A connection goes to the worker with the fewest: of two that are open at the same time, each has its own.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode

import pytest
from json_output import validate_output
from llmring.serve import KeyStore
from llmring.testing import Answer, Rule, Script, faults
from llmring.usage import stats
from served import CHAT, LLMRING, LOCKFILE, Served, open_sockets, served, watched

TWO = ("--workers", "2")
STREAMED = {**CHAT, "stream": True}
ANSWERED = 'llmring_calls_total{alias="fast",model="openai:gpt-4o-mini",ending="answered"}'
SLOW = Script(rules=(Rule(answer=Answer(text="one two three four " * 2, chunk_size=4, pace=0.1)),))
DONE = b"data: [DONE]\n\n"
FORM = {"content-type": "application/x-www-form-urlencoded"}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched in Linux's way")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    with KeyStore(tmp_path / "keys" / "serve.db") as keys:
        yield keys


def status(gateway: Served, key: str = "") -> int:
    with gateway.ask(CHAT, key=key) as reply:
        reply.read()
        return reply.status


def rest(reply: HTTPResponse) -> bytes:
    """Read what comes, and nothing of an answer that breaks off."""
    try:
        return reply.read()
    except (HTTPException, OSError):
        return b""


def test_workers_share_address_figures_usage_log_and_keys(
    tmp_path: Path, store: KeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("asyncio", "llmring_cli", "struct"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the working directory')")
    log = tmp_path / "usage.db"
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(log))
    with served(tmp_path, None, *TWO, "--store", str(store.path)) as gateway:
        validate_output("serve", gateway.document)
        before = [open_sockets(worker) for worker in gateway.workers()]
        with ExitStack() as connections:
            for _ in range(8):
                assert connections.enter_context(gateway.request("GET", "/readyz")).status == 200
            after = [open_sockets(worker) for worker in gateway.workers()]
        assert [new - old for new, old in zip(after, before, strict=True)] == [4, 4]
        with gateway.ask(CHAT) as one, gateway.ask(CHAT) as other:
            assert (one.status, other.status) == (200, 200)
            figures = gateway.figures()
        assert (figures["llmring_workers"], figures[ANSWERED]) == (2, 2)
        with ThreadPoolExecutor(8) as clients:
            assert set(clients.map(lambda _: status(gateway), range(38))) == {200}
        assert gateway.figures()[ANSWERED] == 40
        secret = store.create().secret
        with gateway.ask(CHAT) as one, gateway.ask(CHAT) as other:
            assert (one.status, other.status) == (401, 401)
        with gateway.ask(CHAT, key=secret) as one, gateway.ask(CHAT, key=secret) as other:
            assert (one.status, other.status) == (200, 200)
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(30) == 130
    assert [row.calls for row in stats(log)] == [42]


def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(tmp_path: Path) -> None:
    with served(tmp_path, SLOW, *TWO) as gateway:
        doomed, lasting = gateway.workers()
        assert [status(gateway) for _ in range(4)] == [200] * 4
        before = gateway.figures()[ANSWERED]  # for which all report what connections they have
        with gateway.ask(STREAMED) as one, gateway.ask(STREAMED) as other, watched(doomed) as ended:
            one.readline()
            other.readline()
            os.kill(doomed, signal.SIGKILL)
            assert ended()
            assert sorted(rest(reply).endswith(DONE) for reply in (one, other)) == [False, True]
        assert status(gateway) == 200
        while gateway.figures()["llmring_workers"] < 2:
            assert gateway.process.poll() is None
        assert (before, gateway.figures()[ANSWERED]) == (4, 6)
        assert gateway.process.stderr is not None
        assert (
            gateway.process.stderr.readline() == f"worker {doomed} was ended by SIGKILL; another one starts\n"
        )
        assert lasting in gateway.workers()
        with watched(lasting) as ended, gateway.ask(STREAMED) as one, gateway.ask(STREAMED) as other:
            os.kill(lasting, signal.SIGINT)
            assert one.read().endswith(DONE)
            assert other.read().endswith(DONE)
            assert ended()
        assert status(gateway) == 200
        text = gateway.process.stderr.readline()
        assert text.startswith(f"worker {lasting} ended with exit code 130; another one starts")


def test_workers_answer_while_their_supervisor_stands_still_and_end_when_it_is_killed(tmp_path: Path) -> None:
    with (
        served(tmp_path, None, *TWO) as gateway,
        watched(*gateway.workers()) as ended,
        closing(HTTPConnection(gateway.address, timeout=30)) as connection,
    ):
        found = []
        for path in ("/healthz", "/metrics", "/healthz"):
            connection.request("GET", path)
            with connection.getresponse() as reply:
                found.append(reply.status)
                reply.read()
            gateway.process.send_signal(signal.SIGSTOP)
        assert found == [200, 503, 200]
        gateway.process.kill()
        assert ended()


def test_streams_of_all_workers_are_finished_before_the_end(tmp_path: Path) -> None:
    with served(tmp_path, SLOW, *TWO) as gateway:
        with gateway.ask(STREAMED) as one, gateway.ask(STREAMED) as other:
            one.readline()
            other.readline()
            gateway.process.send_signal(signal.SIGTERM)
            assert one.read().endswith(DONE)
            assert other.read().endswith(DONE)
        assert gateway.process.wait(30) == -signal.SIGTERM
        with pytest.raises(ConnectionRefusedError):
            status(gateway)


def test_the_page_shows_calls_of_other_workers_and_a_second_interrupt_ends_them_at_once(
    tmp_path: Path,
) -> None:
    stalled = Script(rules=(Rule(answer=Answer(text="one two three"), fault=faults.Stall(after=3)),))
    with served(tmp_path, stalled, *TWO) as gateway, watched(*gateway.workers()) as ended:
        with gateway.ask(STREAMED) as reply:
            reply.readline()
            with gateway.request("GET", "/page/live") as page:
                assert b"openai_chat, stream" in page.read()
            gateway.process.send_signal(signal.SIGINT)
            with pytest.raises(subprocess.TimeoutExpired):
                gateway.process.wait(0.5)
            gateway.process.send_signal(signal.SIGINT)
            assert gateway.process.wait(10) == 130
        assert ended()


def test_whoever_signed_in_at_one_worker_is_known_to_the_other(tmp_path: Path, store: KeyStore) -> None:
    store.create("first")
    with served(tmp_path, None, *TWO, "--store", str(store.path)) as gateway:
        token = gateway.document["page"].rpartition("=")[2]
        with gateway.request("GET", f"/?token={token}") as reply:
            cookie = {"cookie": reply.headers["set-cookie"].partition(";")[0]}
            with gateway.request("GET", "/", headers=cookie) as shown:
                csrf = re.search(r'name="csrf" value="([^"]+)"', shown.read().decode())
        assert csrf is not None
        form = urlencode({"csrf": csrf[1], "name": "second"}).encode()
        with gateway.request("POST", "/page/keys/create", form, FORM | cookie) as reply:
            assert reply.status == 303
            secrets = []
            for _ in range(2):
                with gateway.request("GET", "/", headers=cookie) as shown:
                    secrets.append(re.findall(r"llmr-[\w-]{40,}", shown.read().decode()))
        assert [len(found) for found in secrets] == [1, 0]


def test_a_lockfile_that_is_broken_at_the_start_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "llmring.lock").write_text(LOCKFILE + "alias = ")
    started = subprocess.run(
        [LLMRING, "serve", "--port", "0", *TWO], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (started.returncode, started.stdout, started.stderr.count("\n")) == (1, "", 1)
    assert "llmring.lock" in started.stderr
