"""Exit codes, and the error that carries one."""

from llmring_types.exceptions import LLMRingError

FAILED = 1
"""The command failed, or its answer is no."""
WRONG_USAGE = 2
UNREADABLE = 2
"""For commands that review a lockfile: it does not exist or cannot be read."""
UNREACHABLE = 3
"""For commands that need the registry or the usage server: it cannot be reached."""
INTERRUPTED = 130


class CommandError(LLMRingError):
    """A command failed. ``exit_code`` is the exit code of the process."""

    def __init__(self, message: str, *, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
