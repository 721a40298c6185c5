"""Takes requests another way than their transport, for recording and replaying them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from llmring_providers.transport._protocol import Transport


class Diversion(Protocol):
    """An address that requests go to instead."""

    def through(self, transport: Transport, *, provider: str, secret: str) -> Transport:
        """Return what a request goes through.

        Args:
            transport: what it would go through.
            provider: whose request it is.
            secret: the provider's key; empty where there is none.
        """


diversions: list[Diversion] = []
"""Those that hold; the last one counts."""


@contextmanager
def divert(diversion: Diversion) -> Iterator[None]:
    """Divert the requests of every :class:`HttpProvider` of this process, whoever made it, within the block."""
    diversions.append(diversion)
    try:
        yield
    finally:
        diversions.remove(diversion)
