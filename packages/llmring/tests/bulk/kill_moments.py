"""Kill a job at random moments, resume it each time, and report what was asked and handed out.

``kill_moments.py FOLDER KILLS ROWS``. Each run is a fork of this process, which has loaded everything, and is killed by
``SIGKILL``; the last one may end. ``asked`` gets a line ``RUN ROW`` for each call, ``outcomes`` a line
``RUN ROW FROM_JOURNAL ASKED_AGAIN ANSWERED`` for each outcome, in the order in which they happen.
"""

import os
import random
import signal
import sys
from pathlib import Path

import anyio
from llmring import LLMRequest, LLMResponse, LLMRing, Message
from llmring.bulk import _engine, _journal  # noqa: F401 - loaded once for all runs
from llmring.testing import FakeProvider
from llmring_providers import ChatCall

CONCURRENCY = 16
_CALL_S = 0.02
_LONGEST_S = 0.1
_draw = random.Random(18)  # noqa: S311 - moments, not secrets


async def job(folder: Path, run: int, rows: int, begun: int) -> None:
    asked, outcomes = (os.open(folder / name, os.O_WRONLY | os.O_APPEND) for name in ("asked", "outcomes"))

    class Slow(FakeProvider):
        async def chat(self, call: ChatCall) -> LLMResponse:
            os.write(asked, f"{run} {call.request.messages[0].content}\n".encode())
            os.write(begun, b".")
            await anyio.sleep(_CALL_S * _draw.random())
            return await super().chat(call)

    ring = LLMRing()
    ring.register_provider("fake", Slow("yes"))
    requests = (LLMRequest([Message(role="user", content=str(row))], model="fake:x") for row in range(rows))
    async for outcome in ring.map(requests, journal=folder / "job.db", concurrency=CONCURRENCY):
        flags = f"{outcome.from_journal:d} {outcome.asked_again:d} {outcome.is_answered:d}"
        os.write(outcomes, f"{run} {outcome.key} {flags}\n".encode())


def main(folder: Path, kills: int, rows: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for name in ("asked", "outcomes"):
        (folder / name).touch()
    for run in range(kills + 1):
        calls, begun = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(calls)
            anyio.run(job, folder, run, rows, begun)
            os._exit(0)
        os.close(begun)
        if run < kills:
            if run % 5:  # amid calls; else wherever it is, while it opens the journal say
                os.read(calls, 1)
            signal.sigtimedwait({signal.SIGCHLD}, _draw.uniform(0, _LONGEST_S))
            os.kill(child, signal.SIGKILL)
        while os.read(calls, 1000):
            pass
        os.close(calls)
        os.waitpid(child, 0)
        signal.sigtimedwait({signal.SIGCHLD}, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
