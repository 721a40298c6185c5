"""The ``.env`` file of the current folder. Only the command reads one, never the library."""

from pathlib import Path


def load_dotenv(folder: Path | None = None) -> None:
    """Put the variables of ``.env`` into the environment; those already set stay as they are."""
    path = (folder or Path.cwd()) / ".env"
    if path.is_file():
        import dotenv  # noqa: PLC0415 - most folders have no such file

        dotenv.load_dotenv(path)
