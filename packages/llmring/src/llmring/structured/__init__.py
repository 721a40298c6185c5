"""JSON answers: from ``response_format`` to what providers take, and from their text to :attr:`LLMResponse.parsed`.

Nothing here does I/O. :func:`prepare` comes before a call, :func:`finish` after it.
"""

from llmring.structured._answer import Expectation, finish, prepare

__all__ = ["Expectation", "finish", "prepare"]
