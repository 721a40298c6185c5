"""``llmring mcp``."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from llmring import open_registry
from llmring_types.exceptions import MissingSDKError

from llmring_cli._lockfiles import lockfile_to_write
from llmring_cli._output import INTERRUPTED, CommandError, print_json, report, report_logs
from llmring_cli._parameters import Flag, Json, LockfilePath, Port
from llmring_cli.toolbox import TOKEN_VARIABLE, Draft, LocalToolbox


def lockfile(
    *,
    http: Flag = False,
    port: Port = 0,
    no_token: Flag = False,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> None:
    """Serve the lockfile tools to an MCP client.

    The client starts this command and communicates over standard input and output. With --http the server runs
    until interrupted, for clients on this machine. Edits go to a draft, which the tool save_lockfile writes.
    Needs: pip install 'llmring-cli[mcp]'

    $ llmring mcp lockfile
    $ llmring mcp lockfile --http --port 8800

    Args:
        http: Serve streamable HTTP instead.
        port: The port for HTTP; 0 picks a free one.
        no_token: Accept requests without a token. Otherwise clients send LLMRING_MCP_TOKEN, or a token made at start.
    """
    try:
        from llmring_cli.toolbox.server import serve_http, serve_stdio  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingSDKError("the MCP server needs an extra: pip install 'llmring-cli[mcp]'") from error
    if json and not http:
        raise CommandError(
            "--json prints the address of --http; without --http, the protocol uses standard output"
        )
    report_logs()
    path = lockfile_to_write(lockfile)
    toolbox = LocalToolbox(Draft(path), open_registry())
    if not http:
        if sys.stdin.isatty():
            report("an MCP client starts this command and reads here; press Ctrl-C to stop")
        with _ended_by_an_interrupt():
            asyncio.run(serve_stdio(toolbox))
        return

    token = None if no_token else os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(32)

    def ready(url: str) -> None:
        if json:
            print_json({"url": url, "lockfile": str(path), "token": token})
            sys.stdout.flush()
            return
        report(f"serving {path} at {url}; press Ctrl-C to stop")
        if token is not None:
            report(f"clients must send the header Authorization: Bearer {token}")
            report(f"for lock chat, set {TOKEN_VARIABLE} to the token")

    try:
        asyncio.run(serve_http(toolbox, port, ready, token))
    except OSError as error:
        raise CommandError(f"cannot listen at port {port}: {error.strerror or error}") from error


@contextmanager
def _ended_by_an_interrupt() -> Iterator[None]:
    """Let an interrupt end the process. The thread that waits for the client's next line would delay it."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
