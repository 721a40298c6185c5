"""From the command line to an exit code. Every error is one line on standard error, never a traceback."""

import io
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from llmring_types.exceptions import LLMRingError

from llmring_cli._output import FAILED, INTERRUPTED, CommandError, report

_VERSION_FLAGS = (["--version"], ["-V"])


def main() -> None:
    """Run the command of the process and leave with its exit code."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Unicode still gets the rest
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            warnings.simplefilter("default", FutureWarning)  # meant for people: never an error here
            code = _print_version() if list(arguments) in _VERSION_FLAGS else _dispatch(arguments)
        sys.stdout.flush()
    except LLMRingError as error:
        return _fail(str(error), error.exit_code if isinstance(error, CommandError) else FAILED)
    except KeyboardInterrupt:
        return INTERRUPTED
    except RecursionError:
        return _fail("the data is nested too deeply", FAILED)
    except OSError as error:
        _drop_output()
        # The reader of the output has what it wanted, as ``head``: no failure, and nobody would see a message.
        return 0 if isinstance(error, BrokenPipeError) else _fail(_os_text(error), FAILED)
    return code


def _show_warning(message: Warning | str, *_: object, **_more: object) -> None:
    """Report what a library warns the person of, such as a lockfile of an old form, without the place in its code."""
    report(f"warning: {message}")


def _print_version() -> int:
    print(version_text())
    return 0


def _dispatch(arguments: Sequence[str]) -> int:
    from llmring_cli._app import dispatch  # noqa: PLC0415 - the version is printed without

    return dispatch(arguments)


def _fail(message: str, code: int) -> int:
    report(f"error: {' '.join(message.split())}")
    return code


def _os_text(error: OSError) -> str:
    """Describe an error of the operating system, such as a full disk."""
    try:
        Path.cwd()
    except OSError:
        return "the working directory does not exist any more; change to one that does"
    what = error.strerror or str(error)
    return what if error.filename is None else f"{error.filename}: {what}"


def _open_streams() -> None:
    """Give closed standard streams the null device, so that no file opened later takes their numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _drop_output() -> None:
    """Keep the interpreter, which flushes once more while it ends, from failing again on what cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def version_text() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import version  # noqa: PLC0415 - slow to import

    return version("llmring-cli")
