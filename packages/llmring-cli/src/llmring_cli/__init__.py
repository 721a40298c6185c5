"""The ``llmring`` command."""

from llmring_cli._run import main, run

__all__ = ["main", "run"]
