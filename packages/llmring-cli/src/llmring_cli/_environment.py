"""The ``.env`` file of the current folder. Only the command reads one, never the library."""

import os
from pathlib import Path

from llmring_types.exceptions import ConfigurationError


def load_dotenv(folder: Path | None = None) -> None:
    """Put the variables of ``.env`` into the environment; those already set stay as they are.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    path = (folder or Path()) / ".env"
    if not path.is_file():
        return
    import dotenv  # noqa: PLC0415 - most folders have no such file

    try:
        values = dotenv.dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}; correct or remove it") from error
    for name, value in values.items():
        if value is not None:
            os.environ.setdefault(name, value)
