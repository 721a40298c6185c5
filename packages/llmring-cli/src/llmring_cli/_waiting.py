"""A spinner for whatever takes more than a moment: on a terminal's standard error, and nowhere else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status


class Spinner:
    """Shows progress until it is stopped; does nothing if ``status`` is ``None``."""

    def __init__(self, status: "Status | None") -> None:
        self._status = status

    def update(self, text: str) -> None:
        if self._status is not None:
            self._status.update(text)

    def stop(self) -> None:
        if self._status is not None:
            self._status.stop()


@contextmanager
def waiting(text: str = "waiting for the answer") -> Iterator[Spinner]:
    """Show a spinner on standard error, if that is a terminal; what is yielded takes it away earlier.

    Args:
        text: the work that takes time, beside it.
    """
    if not sys.stderr.isatty():
        yield Spinner(None)
        return
    from rich.console import Console  # noqa: PLC0415 - pipes do without

    status = Console(stderr=True).status(text)
    status.start()
    try:
        yield Spinner(status)
    finally:
        status.stop()
