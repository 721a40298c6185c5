"""The ``llmring`` command."""

from llmring_cli._app import main

__all__ = ["main"]
