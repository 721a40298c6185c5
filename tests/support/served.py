"""llmring serve as a process that others talk to, and its workers."""

import http.client
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from json_output import json_document
from llmring.testing import Script
from simulated import Simulated

LLMRING = Path(sys.executable).with_name("llmring")
LOCKFILE = 'version = "1.0"\n[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["openai:gpt-4o-mini"]\n'
CHAT_PATH = "/v1/chat/completions"
CHAT = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}


class Served:
    """A running process and its address."""

    def __init__(self, process: "subprocess.Popen[str]", document: Any) -> None:
        self.process = process
        self.document = document
        self.address = urlsplit(document["url"]).netloc

    @contextmanager
    def ask(self, body: Any, *, key: str = "") -> Iterator[http.client.HTTPResponse]:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        with self.request("POST", CHAT_PATH, msgspec.json.encode(body), headers) as reply:
            yield reply

    @contextmanager
    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request on a connection of its own."""
        with closing(http.client.HTTPConnection(self.address, timeout=30)) as connection:
            connection.request(method, path, body, dict(headers or {}))
            yield connection.getresponse()

    def figures(self) -> dict[str, float]:
        """The metrics, by name and labels."""
        with self.request("GET", "/metrics") as reply:
            lines = reply.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def workers(self) -> list[int]:
        """The processes that answer."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has ended
                state, parent, *_ = path.read_text().rpartition(")")[2].split()
                if int(parent) == self.process.pid and state != "Z":
                    found.append(int(path.parent.name))
        return sorted(found)


def open_sockets(process: int) -> int:
    """Count the sockets of a process."""
    places = (str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir())
    return sum(place.startswith("socket:") for place in places)


@contextmanager
def served(folder: Path, script: Script | None = None, *arguments: str, before: str = "") -> Iterator[Served]:
    """Run the command before a simulated OpenAI, after a command of the shell."""
    (folder / "llmring.lock").write_text(LOCKFILE)
    with Simulated(script) as simulated:
        shell = ["sh", "-c", f'{before or ":"}; exec "$@"', "sh"]
        command: list[str | Path] = [*shell, LLMRING, "serve", "--port", "0", "--json", *arguments]
        environment = {**os.environ, **simulated.environment}
        with subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            try:
                yield Served(process, json_document(process.stdout))
            finally:
                process.kill()


@contextmanager
def watched(*processes: int) -> Iterator[Callable[[], bool]]:
    """Return a function that waits until the processes have ended; ``False`` after 30 s."""
    numbers = [os.pidfd_open(process) for process in processes]
    try:

        def ended() -> bool:
            return all(select.select([number], [], [], 30)[0] for number in numbers)

        yield ended
    finally:
        for number in numbers:
            os.close(number)
