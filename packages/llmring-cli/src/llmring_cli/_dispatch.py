"""From the command line to the function of a command."""

import gc
import os
from collections.abc import Sequence
from pathlib import Path

from cyclopts import App, CycloptsError

from llmring_cli._app import build_app
from llmring_cli._environment import dotenv
from llmring_cli._failure import WRONG_USAGE, CommandError
from llmring_cli._help import long_help


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Raises:
        CommandError: the command line is wrong.
    """
    if not os.environ.get("COLUMNS", "1").strip("0"):
        del os.environ["COLUMNS"]  # others take 0 for unknown, rich for a screen without room
    try:
        return _dispatch(build_app(), list(arguments))
    except CycloptsError as error:
        from llmring_cli._mistakes import usage_text  # noqa: PLC0415 - most command lines are right

        raise CommandError(usage_text(error), exit_code=WRONG_USAGE) from error


def _dispatch(app: App, arguments: list[str]) -> int:
    _, apps, rest = app.parse_commands(arguments)
    if apps[-1].default_command is None and not rest:
        app.help_print(arguments, console=app.error_console)
        return WRONG_USAGE
    for command in apps:
        if getattr(command.default_command, "__module__", "").startswith("llmring_cli."):
            command.help = long_help(command.default_command)  # more than its line in the list
    # Switched off while modules were loaded. What was loaded stays, so no collection need look at it.
    gc.freeze()
    gc.enable()
    if arguments[:1] == ["trust"]:  # it reads the file by itself, before anybody has approved it
        return _run(app, arguments)
    with dotenv(Path(), verbose="--verbose" in arguments or "-v" in arguments):
        return _run(app, arguments)


def _run(app: App, arguments: list[str]) -> int:
    result = app(arguments)
    return result if isinstance(result, int) else 0
