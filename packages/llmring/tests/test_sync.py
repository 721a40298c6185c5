"""The ring without ``await``: same answers, same errors, from any thread."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from llmring import (
    BudgetExceededError,
    LLMRequest,
    LLMResponse,
    LLMRing,
    Message,
    Policy,
    SyncLLMRing,
)
from llmring.exceptions import AliasNotFoundError, ProviderAuthenticationError, ProviderResponseError
from llmring.testing import FakeProvider

ASKED = LLMRequest(messages=[Message(role="user", content="Hello")], model="fake:x")


def ring_with(*replies: object, **arguments: object) -> SyncLLMRing:
    ring = LLMRing.sync(**arguments)  # type: ignore[arg-type]
    ring.register_provider("fake", FakeProvider(*replies))  # type: ignore[arg-type]
    return ring


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "llmring"]


def test_a_chat_is_answered_and_the_thread_ends_with_the_block() -> None:
    with ring_with("Hi") as ring:
        assert threads() == []
        assert ring.chat(ASKED).content == "Hi"
        assert threads() == ["llmring"]
    assert threads() == []


def test_a_stream_is_an_ordinary_iterator() -> None:
    with ring_with("one two three") as ring:
        stream = ring.chat_stream(ASKED)
        chunks = list(stream)
        assert "".join(chunk.delta for chunk in chunks) == "one two three"
        assert chunks[-1].finish_reason == "stop"
        assert stream.response is not None
        assert stream.response.content == "one two three"
        assert list(stream) == []


def test_a_stream_can_be_started_and_read_as_text() -> None:
    with ring_with("one two three") as ring:
        stream = ring.chat_stream(ASKED).start()
        assert "".join(stream.text()) == "one two three"
        assert all(ring.chat_stream(ASKED).text())
        assert list(stream) == []


def test_errors_are_those_of_the_async_ring() -> None:
    refused = ProviderAuthenticationError("401", provider="fake")
    with ring_with(refused) as ring:
        with pytest.raises(ProviderAuthenticationError) as caught:
            ring.chat(ASKED)
        assert [one.outcome for one in caught.value.attempts] == ["error"]
        with pytest.raises(AliasNotFoundError):
            ring.chat(LLMRequest(messages=ASKED.messages, model="nowhere"))
        with pytest.raises(ProviderAuthenticationError):
            next(ring.chat_stream(ASKED))
        with pytest.raises(ProviderAuthenticationError):
            ring.chat_stream(ASKED).start()


def test_a_stream_that_is_left_or_closed_gives_its_connection_back() -> None:
    provider = FakeProvider("one two three")
    with LLMRing.sync() as ring:
        ring.register_provider("fake", provider)
        for _ in ring.chat_stream(ASKED):
            break
        with ring.chat_stream(ASKED) as stream:
            next(stream)
        gc.collect()
        ring.run_async(lambda _: asyncio.sleep(0))
        assert [given.closed for given in provider.streams] == [True, True]


def test_many_threads_share_one_ring() -> None:
    with ring_with("Hi") as ring, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: ring.chat(ASKED), range(64)))
        assert {answer.content for answer in answers} == {"Hi"}
        assert threads() == ["llmring"]


async def test_it_works_where_a_loop_runs_already() -> None:
    with ring_with("Hi") as ring:
        assert ring.chat(ASKED).content == "Hi"


def test_a_call_from_the_loop_itself_is_refused_and_not_waited_for() -> None:
    with ring_with("Hi") as ring:

        async def call(_: LLMRing) -> LLMResponse:
            return ring.chat(ASKED)

        with pytest.raises(RuntimeError, match="event loop thread"):
            ring.run_async(call)


def test_it_can_be_used_again_after_it_was_closed() -> None:
    ring = ring_with("Hi")
    for _ in range(2):
        assert ring.chat(ASKED).content == "Hi"
        ring.close()
        ring.close()
    assert threads() == []


def test_a_ring_that_nobody_holds_ends_its_thread() -> None:
    ring = ring_with("Hi")
    ring.chat(ASKED)
    del ring
    gc.collect()
    assert threads() == []


INTERRUPTED = """
import os, signal
from llmring import LLMRequest, LLMRing, Message
from llmring.testing import HANG, FakeProvider

def interrupt(call):
    os.kill(os.getpid(), signal.SIGINT)  # as Ctrl-C does
    return HANG

provider = FakeProvider(interrupt)
with LLMRing.sync() as ring:
    ring.register_provider("fake", provider)
    try:
        ring.chat(LLMRequest(messages=[Message(role="user", content="Hello")], model="fake:x"))
    except KeyboardInterrupt:
        pass
print("cancelled", provider.cancelled)
"""


def test_an_interrupted_caller_cancels_the_call() -> None:
    assert printed_by(INTERRUPTED) == "cancelled 1\n"


def printed_by(program: str) -> str:
    """Run a program to its end, and return what it prints; nothing may go wrong."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert not ended.stderr
    return ended.stdout


def test_a_thread_does_not_wait_for_what_its_own_open_stream_holds() -> None:
    policy = Policy(max_concurrent={"fake": 1})
    with ring_with("one two three", policy=policy) as ring, ring.chat_stream(ASKED) as stream:
        next(stream)
        with pytest.raises(TimeoutError, match="this task holds them all"):
            ring.chat(ASKED)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(ring.chat, ASKED)  # another thread's call waits
            stream.close()
            assert waiting.result().content == "one two three"


def test_a_ring_in_a_forked_process_begins_a_thread_of_its_own() -> None:
    ring = ring_with("Hi")
    ring.chat(ASKED)
    child = os.fork()
    if not child:
        os._exit(0 if ring.chat(ASKED).content == "Hi" else 1)
    _, status = os.waitpid(child, 0)
    ring.close()
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_program_that_forgets_to_close_ends_all_the_same() -> None:
    program = (
        "from llmring import LLMRing, LLMRequest, Message\n"
        "ring = LLMRing.sync()\n"
        "print(ring.chat(LLMRequest(messages=[Message(role='user', content='Hi')], model='sim:demo')).finish_reason)\n"
    )
    assert printed_by(program) == "stop\n"


def test_what_needs_no_loop_starts_none() -> None:
    with LLMRing.sync() as ring:
        assert ring.facts("openai:gpt-4o-mini") is not None
        assert ring.resolve_alias("sim:demo") == "sim:demo"
        assert ring.budgets == ()
        assert threads() == []


def test_every_public_method_of_the_ring_has_its_sync_form() -> None:
    ours = {name for name in dir(SyncLLMRing) if not name.startswith("_")}
    theirs = {name for name in dir(LLMRing) if not name.startswith("_") and name != "sync"}
    assert theirs - ours == {"get_provider"}  # the SDKs' clients are async: run() reaches them


def test_budgets_hold_across_threads() -> None:
    with LLMRing.sync(policy=Policy(budget_usd=0.000001)) as ring:
        ring.register_provider("openai", api_key="k", base_url="http://127.0.0.1:9")
        with pytest.raises(BudgetExceededError):
            ring.chat(LLMRequest(messages=ASKED.messages, model="openai:gpt-4o-mini"))


def test_facts_files_and_costs_are_those_of_the_async_ring(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    request = LLMRequest([Message(role="user", content="Hi")], model="sim:demo")
    with LLMRing.sync() as ring:
        assert repr(ring).startswith("SyncLLMRing(")
        assert ring.validate_context_limit(request) is None
        with pytest.raises(ProviderResponseError, match="does not count tokens"):
            ring.count_tokens(request)
        assert ring.deregister_file(ring.register_file(file))
        assert not ring.deregister_file("nosuch")
        assert "sim" in ring.get_available_models()
        response = ring.chat(request)
        assert ring.calculate_cost(response) == ring.run_async(lambda inner: inner.calculate_cost(response))
        assert ring.get_model_info("sim:demo") == ring.run_async(
            lambda inner: inner.get_model_info("sim:demo")
        )
        assert ring.get_enhanced_model_info("sim:demo")["model"]
        assert ring.get_model_from_registry("openai", "gpt-4o-mini") is not None
