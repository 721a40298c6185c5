"""The cost of a row in bulk, beside bare calls and ``gather``: CPU, memory and the growth of both.

``python tests/benchmarks/bulk.py [ROWS]``. Answers come from memory, 256 at once; each side runs in a process of its
own, so that its memory is its own.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from llmring import LLMRequest, LLMRing, Message
from memory_ring import memory_ring

AT_ONCE = 256
_TRIES = 3
_KIB = 1024


def requests(rows: int) -> Iterator[LLMRequest]:
    for row in range(rows):
        text = f"question {row} {'x' * 200}"
        yield LLMRequest([Message(role="user", content=text)], model="fast", max_tokens=100)


async def bare(ring: LLMRing, rows: int) -> None:
    """Ask one after the other."""
    for request in requests(rows):
        await ring.chat(request)


async def gathered(ring: LLMRing, rows: int) -> None:
    """Ask as people write it: a semaphore, a task for each row, and all of them at the end."""
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(request: LLMRequest) -> None:
        async with places:
            await ring.chat(request)

    await asyncio.gather(*(ask(request) for request in requests(rows)))


async def mapped(ring: LLMRing, rows: int) -> None:
    async for outcome in ring.map(requests(rows), concurrency=AT_ONCE):
        outcome.unwrap()


async def journaled(ring: LLMRing, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async for outcome in ring.map(requests(rows), concurrency=AT_ONCE, journal=Path(folder) / "job.db"):
            outcome.unwrap()


SIDES: dict[str, Callable[[LLMRing, int], Coroutine[Any, Any, None]]] = {
    "bare": bare,
    "gather": gathered,
    "map": mapped,
    "map, journal": journaled,
}


def measure(side: str, rows: int) -> dict[str, float]:
    """Return microseconds of CPU and of time for a row, and the process's largest memory in MiB."""
    ring = memory_ring()
    asyncio.run(SIDES[side](ring, 200))  # modules and caches
    cpu, clock = time.process_time(), time.perf_counter()
    asyncio.run(SIDES[side](ring, rows))
    return {
        "cpu": (time.process_time() - cpu) / rows * 1e6,
        "time": (time.perf_counter() - clock) / rows * 1e6,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB,
    }


def best(side: str, rows: int) -> dict[str, float]:
    """Return the smallest figures of a few processes: whatever else runs only adds to them."""
    command = [sys.executable, __file__, str(rows), side]
    outputs = [
        subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(_TRIES)
    ]
    found = [json.loads(output) for output in outputs]
    return {name: min(each[name] for each in found) for name in found[0]}


def main(rows: int) -> None:
    sys.stdout.write(f"{'rows':>8} {'side':14} {'CPU µs':>8} {'time µs':>8} {'MiB':>6}\n")
    for number in (rows // 2, rows):
        for side in SIDES:
            found = best(side, number)
            sys.stdout.write(
                f"{number:8} {side:14} {found['cpu']:8.1f} {found['time']:8.1f} {found['mib']:6.0f}\n"
            )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.stdout.write(json.dumps(measure(sys.argv[2], int(sys.argv[1]))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
