"""Worker processes of clusters: rings that ask a simulated host, and one that is killed amid a job."""

import os
import signal
from pathlib import Path
from threading import Event, Thread
from typing import Any

from llmring import LLMRing, Policy
from llmring.testing import Answer, Rule, Script, Simulator

CITY = {"name": "Oslo", "people": 7, "tags": ["north"]}
SCRIPT = Script(
    rules=(
        Rule(contains="row 13.", answer=Answer(text="no city")),
        Rule(answer=Answer(json=CITY, latency=0.02)),
    )
)
_AMID = 30
"""Requests after which a worker is killed."""


def ring_maker(simulator: Simulator, pids: Path | None = None, policy: Policy | None = None) -> Any:
    """Return what makes the ring of a worker, and writes its process down in a folder."""
    address = simulator.base_url("openai")

    def make() -> Any:
        if pids is not None:
            (pids / str(os.getpid())).touch()
        ring = LLMRing.sync(policy=policy)
        ring.register_provider("openai", api_key="any", base_url=address)
        return ring

    return make


def killer(simulator: Simulator, pids: Path) -> Thread:
    """Start a thread that kills one of the workers that have written themselves down, amid the job, and ends."""

    def kill() -> None:
        while len(simulator.requests) < _AMID:
            Event().wait(0.01)
        os.kill(min(int(path.name) for path in pids.iterdir()), signal.SIGKILL)

    thread = Thread(target=kill, daemon=True)
    thread.start()
    return thread
