"""From the command line to an exit code: whatever goes wrong is one line on standard error, never a traceback."""

import gc
import io
import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError
from llmring_types.exceptions import LLMRingError

from llmring_cli._app import build_app
from llmring_cli._failure import FAILED, INTERRUPTED, WRONG_USAGE, CommandError
from llmring_cli._help import long_help

_BUILT_IN = frozenset({"--help", "--version", "-h"})


def main() -> None:
    """Run the command of the process and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still gets the rest
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        code = _dispatch(list(arguments))
        sys.stdout.flush()
    except CycloptsError as error:
        return _fail(f"{error} See: {_help_command(error)}", WRONG_USAGE)
    except CommandError as error:
        return _fail(str(error), error.exit_code)
    except LLMRingError as error:
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; keep the interpreter from failing on it again while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return code


def _dispatch(arguments: list[str]) -> int:
    from llmring_cli._environment import load_dotenv  # noqa: PLC0415

    app = build_app()
    _, apps, rest = app.parse_commands(arguments)
    if apps[-1].default_command is None and not rest:
        app.help_print(arguments, console=app.error_console)
        return WRONG_USAGE
    for command in apps:
        if command.default_command is not None and command.name[0] not in _BUILT_IN:
            command.help = long_help(command.default_command)  # more than its line in the list
    load_dotenv()
    gc.enable()  # switched off while modules were loaded
    result = app(arguments)
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _help_command(error: CycloptsError) -> str:
    return " ".join(["llmring", *(error.command_chain or ()), "--help"])
