"""JSON answers: from ``response_format`` to what providers take, and from their text to :attr:`LLMResponse.parsed`.

Nothing here does I/O. :func:`prepare` comes before a call, :func:`finish` after it.
"""

from llmring.structured._answer import Expectation, finish, prepare
from llmring.structured._reading import MismatchError
from llmring.structured._types import schema_and_reader

__all__ = ["Expectation", "MismatchError", "finish", "prepare", "schema_and_reader"]
