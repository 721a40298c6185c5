"""Every error that llmring raises; see :mod:`llmring_types.exceptions` for the tree."""

from llmring_types import exceptions as _exceptions
from llmring_types.exceptions import *  # noqa: F403 - this module is another name of that one

__all__ = _exceptions.__all__


def __getattr__(name: str) -> object:
    from llmring._moved import exceptions  # noqa: PLC0415 - for names of llmring 1.4 only

    return exceptions(name)
