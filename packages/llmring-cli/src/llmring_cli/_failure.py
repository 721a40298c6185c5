"""Exit codes, and the error of a command that has its own."""

from llmring_types.exceptions import LLMRingError

FAILED = 1
"""It could not be done, or the answer is no."""
WRONG_USAGE = 2
UNREADABLE = 2
"""For commands that review a lockfile: there is none, or it cannot be read."""
UNREACHABLE = 3
"""For commands that ask the registry or the usage server: it cannot be reached, so nothing can be said."""
INTERRUPTED = 130


class CommandError(LLMRingError):
    """A command cannot do its work. ``exit_code`` says how the process ends."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
