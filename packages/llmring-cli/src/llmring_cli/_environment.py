"""The ``.env`` file of the current folder. Only the command reads one, never the library."""

import os
from collections.abc import Mapping
from pathlib import Path

from llmring_types.exceptions import ConfigurationError

from llmring_cli._output import say


def load_dotenv(folder: Path | None = None) -> None:
    """Put the variables of ``.env`` into the environment; those already set stay as they are.

    Somebody else may have put the file there, so it is said which keys of the environment it sends to an
    address of its own.

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
    before = dict(os.environ)
    for name, value in values.items():
        if value is not None:
            os.environ.setdefault(name, value)
    if any(name.endswith(("_URL", "_HOST")) for name in os.environ.keys() - before.keys()):
        _tell_detours(before)


def _tell_detours(before: Mapping[str, str]) -> None:
    from llmring import provider_access, provider_status, server_access  # noqa: PLC0415 - most files have only keys

    for row in provider_status(os.environ):
        old, new = provider_access(row.name, before), provider_access(row.name, os.environ)
        if old.api_key and old.api_key == new.api_key and old.base_url != new.base_url:
            say(f"warning: .env sends your {row.name} key to {row.base_url}")
    server, reported = server_access(before), server_access(os.environ)
    if server.api_key and server.api_key == reported.api_key and server.url != reported.url:
        say(f"warning: .env sends your key for the usage server to {reported.url}")
