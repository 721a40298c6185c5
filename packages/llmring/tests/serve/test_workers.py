"""Workers and their supervisor, where starting the command would show less."""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator

import anyio
import msgspec
import pytest
from llmring.serve import EndedCall, LiveCall, run_workers
from llmring.serve._line import FromSupervisor, FromWorker, Line, News, framed
from llmring.serve._metrics import Figures, Metrics, Times
from llmring.serve._server import listening
from llmring.serve._supervisor import pause_after
from llmring_types.exceptions import ConfigurationError

WORKER = "import sys; from llmring.serve import Worker; worker = Worker(int(sys.argv[1]), int(sys.argv[2])); "
READY = framed(msgspec.msgpack.encode({"type": "Ready"}))
BRIEF = f"import socket, sys; socket.socket(fileno=int(sys.argv[1])).sendall({READY!r})"


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("worker.fail(f'no {worker.setup.decode()}')", "no lockfile"),
        ("sys.exit(7)", r"worker \d+ ended with exit code 7"),
        ("import os; os.kill(os.getpid(), 40)", r"worker \d+ was ended by signal 40"),
    ],
)
def test_a_worker_that_cannot_start_ends_all_with_its_error(does: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{problem}$"):
        run_workers([sys.executable, "-c", WORKER + does], 2, setup=b"lockfile")


def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"^a worker cannot be started: No such file or directory$"):
        run_workers(["no-such-program"], 2)


async def test_the_head_of_an_answer_does_not_wait_for_its_body() -> None:
    found: asyncio.Queue[int] = asyncio.Queue()

    async def look(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        found.put_nowait(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening("127.0.0.1", 0) as (listener, url):
        async with await asyncio.start_server(look, sock=listener):
            _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            assert await found.get()
            writer.close()


class Interrupting(logging.Handler):
    """Interrupts this process once something was logged a second time."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.getMessage())
        if len(self.seen) == 2:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def interrupting() -> Iterator[Interrupting]:
    handler, logger = Interrupting(), logging.getLogger("llmring.serve")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def test_a_worker_that_ends_again_and_again_is_replaced_after_a_pause_which_an_interrupt_ends(
    interrupting: Interrupting,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_workers([sys.executable, "-c", BRIEF], 1)
    first, second = interrupting.seen
    assert first.endswith("ended with exit code 0; another one starts")
    assert second.endswith("ended with exit code 0; another one starts in 1 s")


@pytest.mark.parametrize(("failures", "pause"), [(1, 0), (2, 1), (3, 2), (6, 16), (7, 30), (2000, 30)])
def test_pauses_grow_up_to_half_a_minute(failures: int, pause: float) -> None:
    assert pause_after(failures) == pause


async def test_a_text_that_cannot_be_encoded_goes_over_the_line_without_what_is_wrong_in_it() -> None:
    call = LiveCall(id="1", protocol="ollama", model="a\udc80", started_at=0)
    ended = EndedCall(call=call, ending="failed", seconds=1, message="no file \udcff")
    figures = Figures({"llmring_calls_total": {("fast", "sim:\ud800"): 2.0}}, {})
    ours, theirs = socket.socketpair()
    sender: Line[FromSupervisor] = Line(FromSupervisor)
    receiver: Line[FromWorker] = Line(FromWorker)
    sender.send(News(figures, [ended]))
    got: list[FromWorker] = []
    async with anyio.create_task_group() as group:

        def take(message: FromWorker) -> None:
            got.append(message)
            group.cancel_scope.cancel()

        group.start_soon(sender.run, ours, print)
        group.start_soon(receiver.run, theirs, take)
    (news,) = got
    assert isinstance(news, News)
    assert news.figures.amounts == {"llmring_calls_total": {("fast", "sim:?"): 2.0}}
    assert (news.ended[0].call.model, news.ended[0].message) == ("a?", "no file ?")


async def test_what_is_no_message_ends_the_line() -> None:
    ours, theirs = socket.socketpair()
    line: Line[FromWorker] = Line(FromWorker)
    with theirs:
        theirs.sendall(framed(msgspec.msgpack.encode({"type": "Unheard"})))
        await line.run(ours, print)


def test_names_beyond_a_thousand_are_summed_up_in_times_of_other_processes_too() -> None:
    metrics, other = Metrics(), Metrics()
    for number in range(1001):
        each: Times = {("fast", f"sim:{number}"): ([0, 1] + [0] * 10, [0.1])}
        other.add(Figures({}, {"llmring_call_seconds": each}))
    metrics.add(other.take())
    assert other.take() == Figures({}, {})
    times = metrics.figures.times["llmring_call_seconds"]
    assert (len(times), times["other", "other"]) == (1001, ([0, 1] + [0] * 10, [0.1]))
