"""The gateway in a server of its own: uvicorn with httptools and uvloop."""

import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from llmring_types.exceptions import MissingSDKError

from llmring.serve._app import Gateway
from llmring.serve._page import PageServer

if TYPE_CHECKING:
    import uvicorn

_KEEP_ALIVE_S = 75
"""Longer than the 60 s of most proxies, so that it is the proxy that closes a connection nobody uses."""
_BACKLOG = 4096
_MOST_FILES = 65_536
_OTHER_FILES = 100
"""Files that the process has open beside connections: stores, logs, modules that are loaded."""
_YOUNG = 20_000
"""Objects made before the collector looks: requests leave no cycles, and each look costs a millisecond."""


def run(
    gateway: Gateway | PageServer,
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
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from llmring.serve._protocol import LimitedProtocol  # noqa: PLC0415 - as above
    except ImportError as error:
        raise MissingSDKError("serving needs an extra: pip install 'llmring[serve]'") from error
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=_BACKLOG) as listener:
        name = f"[{host}]" if ":" in host else host
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
        if on_ready is not None:
            on_ready(f"http://{name}:{listener.getsockname()[1]}")
        _server(config, gateway, at_end).run(sockets=[listener])


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
    config: "uvicorn.Config", gateway: Gateway | PageServer, at_end: Callable[[], Awaitable[object]] | None
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
