"""``llmring ui``."""

import sys

from llmring import usage_log_path
from llmring_lockfile import discover, load
from llmring_types.exceptions import LockfileError, MissingSDKError

from llmring_cli._lockfiles import report_place
from llmring_cli._output import CommandError, print_json, report
from llmring_cli._parameters import Json, LockfilePath, Port, ProfileName
from llmring_cli.commands.usage import LogPath
from llmring_cli.page import open_page


def ui(
    *,
    port: Port = 0,
    log: LogPath = None,
    lockfile: LockfilePath = None,
    profile: ProfileName = None,
    json: Json = False,
) -> None:
    """Show usage, latency and pools as a page in a browser.

    The page is served to this machine until interrupted, and reads the local usage log and the lockfile. Open the
    address that is printed: it signs in, by LLMRING_PAGE_TOKEN or a token made at start.
    Needs: pip install 'llmring-cli[ui]'

    $ llmring ui
    $ llmring ui --port 8788 --log usage.db

    Args:
        port: The port; 0 picks a free one.
    """
    path = log or usage_log_path()
    try:
        found = discover(lockfile)
    except LockfileError as error:
        raise CommandError(str(error)) from error
    report_place(found)
    opened = open_page(log=path, lockfile=lambda: load(found.path), profile=profile)
    from llmring.serve import PageServer, run  # noqa: PLC0415 - help does without

    def ready(url: str) -> None:
        if json:
            print_json({"url": opened.url(url), "log": None if path is None else str(path)})
        else:
            report(f"page: {opened.url(url)}; press Ctrl-C to stop")
        sys.stdout.flush()

    try:
        run(PageServer(opened.page), port=port, on_ready=ready)
    except MissingSDKError as error:
        raise MissingSDKError("the page needs an extra: pip install 'llmring-cli[ui]'") from error
    except OSError as error:
        raise CommandError(f"cannot listen at port {port}: {error.strerror or error}") from error
