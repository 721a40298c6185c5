"""Where calls are told of, and whether that will work: the local usage log and the usage server."""

import os
from pathlib import Path

import msgspec
from llmring import usage_log_path
from llmring.usage import UsageLog, stats
from llmring_providers import without_credentials
from llmring_types.exceptions import LLMRingError

from llmring_cli.server.access import ENVIRONMENT, find_access
from llmring_cli.server.env_file import KEY


class UsageLogState(msgspec.Struct, kw_only=True):
    """The local log that rings of this environment write.

    Attributes:
        path: the file; ``None`` where none is named.
        calls: how many it has; ``None`` where it is not there yet, or cannot be read.
        error: why it cannot be read or written.
    """

    path: str | None = None
    calls: int | None = None
    error: str | None = None


class UsageServerState(msgspec.Struct, kw_only=True):
    """The usage server that is set up here. Its key is not among what is told.

    Attributes:
        url: where it is; ``None`` where none is set up.
        url_from: what names it: the environment, or a file that only commands read.
        key_from: what has the key; ``None`` where there is none.
        reported_to: rings of this environment report to it.
        status: what it says of itself, once it was asked.
        error: why it does not work.
    """

    url: str | None = None
    url_from: str | None = None
    key_from: str | None = None
    reported_to: bool = False
    status: str | None = None
    error: str | None = None


def usage_log_state() -> UsageLogState:
    """Look at the log. It is not made where it is not there."""
    named = usage_log_path()
    if named is None:
        return UsageLogState()
    path = UsageLog(named).path
    state = UsageLogState(path=str(path))
    try:
        if path.exists():
            state.calls = sum(row.calls for row in stats(path))
        if not _writable(path):
            state.error = f"the usage log {path} cannot be written; make it writable, or set LLMRING_USAGE_LOG to another file"
    except (LLMRingError, OSError) as error:
        state.error = str(error)
    return state


def usage_server_state() -> UsageServerState:
    """Look at how the server is set up. It is not asked."""
    state = UsageServerState()
    try:
        access = find_access()
    except LLMRingError as error:
        state.error = str(error)
        return state
    if access.url is None:
        return state
    state.url, state.url_from = without_credentials(access.url.value), access.url.source
    state.reported_to = access.url.source == ENVIRONMENT
    state.key_from = None if access.key is None else access.key.source
    if state.reported_to and state.key_from != ENVIRONMENT:
        state.error = f"the usage server {state.url} takes no call without a key: set {KEY}"
    return state


def _writable(path: Path) -> bool:
    """Whether a ring can write there: SQLite keeps other files beside it, and folders that lack are made."""
    folder = next(above for above in path.absolute().parents if above.exists())
    return os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))
