"""The gateway in a server of its own: uvicorn with httptools and uvloop."""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import anyio
from llmring_types.exceptions import MissingSDKError

from llmring._tasks import task_group

if TYPE_CHECKING:
    import uvicorn

    from llmring.serve._app import Gateway
    from llmring.serve._page import PageServer
    from llmring.serve._worker import Worker

_KEEP_ALIVE_S = 75
"""Longer than the 60 s of most proxies, so that it is the proxy that closes a connection nobody uses."""
_BACKLOG = 4096
_MOST_FILES = 65_536
_OTHER_FILES = 100
"""Files that the process has open beside connections: stores, logs, modules that are loaded."""
_LEAVE_S = 1.0
"""Seconds for the connections that are on their way to a worker when it is about to end."""
_YOUNG = 20_000
"""Objects made before the collector looks: requests leave no cycles, and each look costs a millisecond."""


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """Bind an address, and return the socket and its URL.

    Raises:
        OSError: the address is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sets TCP_NODELAY on connections, and a head does not wait for its body.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        name = f"[{host}]" if ":" in host else host
        yield listener, f"http://{name}:{listener.getsockname()[1]}"


def run(
    gateway: "Gateway | PageServer",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    drain_s: int = 30,
    on_ready: Callable[[str], object] | None = None,
    at_end: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Serve until the process is told to end (SIGINT, SIGTERM); calls under way are then finished first.

    Args:
        gateway: the application: a gateway, or a page alone.
        host: the address to listen at.
        port: 0 takes a free one.
        drain_s: seconds that calls under way may take to end.
        on_ready: gets the URL once connections are accepted.
        at_end: awaited once the last call has ended: ``ring.close``, say.

    Raises:
        MissingSDKError: the extra ``serve`` is not installed.
        OSError: the address is taken.
    """
    with listening(host, port) as (listener, url):
        config = _config(gateway, drain_s)
        if on_ready is not None:
            on_ready(url)
        _server(config, gateway, at_end).run(sockets=[listener])


def run_worker(
    gateway: "Gateway",
    worker: "Worker",
    *,
    drain_s: int = 30,
    at_end: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Serve as a worker of :func:`run_workers`, until its supervisor has it end or is gone.

    Args:
        gateway: the application.
        worker: this process.
        drain_s: seconds that calls under way may take to end.
        at_end: awaited once the last call has ended.

    Raises:
        MissingSDKError: the extra ``serve`` is not installed.
    """
    gateway.join(worker)
    _worker_server(_config(gateway, drain_s), gateway, at_end, worker).run(sockets=[])


def _config(gateway: "Gateway | PageServer", drain_s: int) -> "uvicorn.Config":
    """Return the settings of the server, and have the collector leave alone what was loaded until now.

    Raises:
        MissingSDKError: the extra is not installed.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from llmring.serve._protocol import LimitedProtocol  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingSDKError("serving needs an extra: pip install 'llmring[serve]'") from error
    config = uvicorn.Config(
        gateway,
        http=LimitedProtocol,
        access_log=False,
        log_level="warning",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s,
        backlog=_BACKLOG,
        limit_concurrency=(_raised_file_limit() - _OTHER_FILES) // 2,
        ws="none",
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 10, 10)
    return config


def _raised_file_limit() -> int:
    """Return how many files may be open, after raising the limit as far as the user may, as Go's runtime does.

    A call takes two connections, and 1,024 files are a common limit that only programs without select() may raise:
    https://0pointer.net/blog/file-descriptor-limits.html
    """
    try:
        import resource  # noqa: PLC0415 - not on Windows, which has no such limit
    except ImportError:
        return _MOST_FILES
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if most == resource.RLIM_INFINITY else min(most, _MOST_FILES)
    if limit < wanted:
        with suppress(ValueError, OSError):  # some systems have a lower one that they do not name
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _MOST_FILES)


def _server(
    config: "uvicorn.Config",
    gateway: "Gateway | PageServer",
    at_end: Callable[[], Awaitable[object]] | None,
) -> "uvicorn.Server":
    """Return the server. uvicorn sends itself the signal again once it has ended, so what is left is done before."""
    import uvicorn  # noqa: PLC0415 - an extra

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            gateway.drain()
            await super().shutdown(sockets)
            if at_end is not None:
                await at_end()

    return Server(config)


def _worker_server(
    config: "uvicorn.Config",
    gateway: "Gateway",
    at_end: Callable[[], Awaitable[object]] | None,
    worker: "Worker",
) -> "uvicorn.Server":
    """Return a server that listens nowhere, and takes the connections that the supervisor hands on."""
    import uvicorn  # noqa: PLC0415 - an extra

    class WorkerServer(uvicorn.Server):
        def __init__(self) -> None:
            super().__init__(config)
            self._have_all_come = anyio.Event()

        async def serve(self, sockets: list[socket.socket] | None = None) -> None:
            async with task_group() as group:
                self._group = group
                group.start_soon(worker.follow, self._end, lambda: len(self.server_state.connections))
                await super().serve(sockets)
                group.cancel_scope.cancel()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self._group.start_soon(self._take_connections)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            gateway.drain()
            worker.leave()
            with anyio.move_on_after(_LEAVE_S):
                await self._have_all_come.wait()
            await super().shutdown(sockets)
            if at_end is not None:
                await at_end()
            await worker.finish()

        async def _take_connections(self) -> None:
            await _take_connections(self, worker)
            self._have_all_come.set()

        def _end(self, now: bool) -> None:
            self.should_exit = True
            self.force_exit = self.force_exit or now

    return WorkerServer()


async def _take_connections(server: "uvicorn.Server", worker: "Worker") -> None:
    """Serve the connections that come to a worker as uvicorn serves those that it accepts itself."""

    def protocol() -> asyncio.Protocol:
        config = server.config
        made: asyncio.Protocol = config.http_protocol_class(  # type: ignore[call-arg]
            config=config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return made

    loop = asyncio.get_running_loop()
    async for connection in worker.connections():
        try:
            await loop.connect_accepted_socket(protocol, connection)
        except OSError:  # the client is gone already
            connection.close()
