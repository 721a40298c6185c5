"""Run a job through batches again and again, and kill it before or after each of its requests.

``kill_batches.py MODEL URL FOLDER MOMENTS ROWS``. Each run is a fork of this process, which has loaded everything; run
``n`` is killed by ``SIGKILL`` before its request number ``n // 2``, or after it, and the last one may end. ``outcomes``
gets a line ``KEY ANSWERED`` for each outcome of the last run.
"""

import os
import signal
import sys
from pathlib import Path

import aiohttp  # noqa: F401 - loaded once for all runs
import anyio
import llmring_providers.anthropic.provider
import llmring_providers.batches.http
import llmring_providers.google.provider
import llmring_providers.openai.provider  # noqa: F401 - as above
from llmring import LLMRequest, LLMRing, Message
from llmring.bulk import _batches, _engine, _journal  # noqa: F401 - loaded once for all runs
from llmring_providers.transport import AutoTransport, ByteStream, HttpRequest, HttpResponse


class Killing:
    """Kills the process at a moment."""

    def __init__(self, moment: int | None) -> None:
        self._transport = AutoTransport()
        self._moment = moment
        self._number = 0

    def _pass(self) -> None:
        if self._number == self._moment:
            os.kill(os.getpid(), signal.SIGKILL)
        self._number += 1

    async def send(self, request: HttpRequest) -> HttpResponse:
        self._pass()
        reply = await self._transport.send(request)
        self._pass()
        return reply

    async def open(self, request: HttpRequest) -> ByteStream:
        self._pass()
        reply = await self._transport.open(request)
        self._pass()
        return reply

    async def aclose(self) -> None:
        await self._transport.aclose()


async def job(model: str, url: str, folder: Path, moment: int | None, rows: int) -> None:
    ring = LLMRing(transport=Killing(moment))
    ring.register_provider(model.partition(":")[0], base_url=url, api_key="k")
    requests = [LLMRequest([Message(role="user", content=f"row {row}.")], model=model) for row in range(rows)]
    async for outcome in ring.map(requests, via="batch", journal=folder / "job.db", poll_s=0.01):
        if moment is None:
            with (folder / "outcomes").open("a") as file:
                file.write(f"{outcome.key} {outcome.is_answered:d}\n")
    await ring.close()


def main(model: str, url: str, folder: Path, moments: int, rows: int) -> None:
    for moment in (*range(moments), None):
        child = os.fork()
        if child == 0:
            anyio.run(job, model, url, folder, moment, rows)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status) and moment is not None:
            continue  # it had no such request any more
        if moment is None and status:
            sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
