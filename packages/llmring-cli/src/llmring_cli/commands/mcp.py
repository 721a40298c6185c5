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

from llmring_cli._failure import INTERRUPTED, CommandError
from llmring_cli._lockfiles import lockfile_to_write
from llmring_cli._output import print_json, report, report_logs
from llmring_cli._parameters import Flag, Json, LockfilePath, Port
from llmring_cli.mcp import TOKEN_VARIABLE
from llmring_cli.toolbox import Draft, LocalToolbox


def lockfile(
    *,
    http: Flag = False,
    port: Port = 0,
    no_token: Flag = False,
    lockfile: LockfilePath = None,
    json: Json = False,
) -> None:
    """Serve the lockfile tools to an MCP client.

    The client starts this command and talks to it by standard input and output; with --http it runs until
    interrupted, for clients on this machine. Edits go into a draft, which the tool save_lockfile writes. Needs:
    pip install 'llmring-cli[mcp]'

    $ llmring mcp lockfile
    $ llmring mcp lockfile --http --port 8800

    Args:
        http: Speak streamable HTTP instead.
        port: The port for HTTP; 0 takes a free one.
        no_token: Serve every program on this machine; otherwise clients send a token: LLMRING_MCP_TOKEN or a new one.
    """
    try:
        from llmring_cli.mcp.server import serve_http, serve_stdio  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingSDKError("the MCP server needs an extra: pip install 'llmring-cli[mcp]'") from error
    if json and not http:
        raise CommandError(
            "--json tells the address of --http; without it, standard output is the protocol's"
        )
    report_logs()
    path = lockfile_to_write(lockfile)
    toolbox = LocalToolbox(Draft(path), open_registry())
    if not http:
        if sys.stdin.isatty():
            report("an MCP client starts this command, and talks to it where you type; Ctrl-C ends it")
        with _ended_by_an_interrupt():
            asyncio.run(serve_stdio(toolbox))
        return

    token = None if no_token else os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(32)

    def ready(url: str) -> None:
        if json:
            print_json({"url": url, "lockfile": str(path), "token": token})
            sys.stdout.flush()
            return
        report(f"serving {path} at {url}; Ctrl-C ends it")
        if token is not None:
            report(f"clients send the header Authorization: Bearer {token}")
            report(f"lock chat takes the token from {TOKEN_VARIABLE}")

    try:
        asyncio.run(serve_http(toolbox, port, ready, token))
    except OSError as error:
        raise CommandError(f"cannot listen at port {port}: {error.strerror or error}") from error


@contextmanager
def _ended_by_an_interrupt() -> Iterator[None]:
    """Let an interrupt end the process. The thread that waits for the client's next line would hold it up."""
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
