"""Workers and their supervisor, where starting the command would show less."""

import asyncio
import socket
import sys

import pytest
from llmring.serve import run_workers
from llmring.serve._server import listening
from llmring_types.exceptions import ConfigurationError

WORKER = "import sys; from llmring.serve import Worker; worker = Worker(int(sys.argv[1]), int(sys.argv[2])); "


@pytest.mark.parametrize(
    ("does", "problem"),
    [
        ("worker.fail(f'no {worker.setup.decode()}')", "no lockfile"),
        ("sys.exit(7)", "a worker ended with exit code 7 before it could answer"),
    ],
)
def test_a_worker_that_cannot_start_ends_all_with_its_error(does: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        run_workers([sys.executable, "-c", WORKER + does], 2, setup=b"lockfile")
    assert str(raised.value) == problem


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
