"""The beginning of a session with the advisor: its model, and the messages of an earlier session to continue."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from llmring import LLMRing, ModelRef
from llmring_lockfile import BUNDLED, DEFAULT_PROFILE, Binding, Lockfile, Profile, discover, load
from llmring_types import Message
from llmring_types.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    LLMRingError,
    ProfileNotFoundError,
    ProviderNotFoundError,
)

from llmring_cli._files import state_folder, write_private
from llmring_cli._live import ORIGIN, installed_model

ADVISOR = "advisor"


class Session(msgspec.Struct):
    """A session: all messages, with tool calls and their results.

    Attributes:
        name: the time it began; also the name of the file.
        lockfile: which lockfile it was about.
        messages: without the instructions, which are made anew.
    """

    name: str
    lockfile: str
    messages: list[Message] = []

    @property
    def title(self) -> str:
        """The first message of the user."""
        return next((str(message.content) for message in self.messages if message.role == "user"), "")


def new_session(lockfile: Path) -> Session:
    """Start a session."""
    return Session(datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f"), path_text(lockfile))


def path_text(path: Path) -> str:
    """Return a path as text that JSON can hold, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode(errors="backslashreplace")


def save_session(session: Session) -> None:
    """Store a session.

    Raises:
        OSError: it cannot be written.
    """
    if session.messages:
        write_private(_folder() / f"{session.name}.json", msgspec.json.encode(session))


def load_session(name: str) -> Session:
    """Return a stored session.

    Raises:
        ConfigurationError: there is none of this name, or it cannot be read.
    """
    try:
        path = _folder() / f"{Path(name).name}.json"
        return msgspec.json.decode(path.read_bytes(), type=Session)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no session {name!r}") from error
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the session {name!r}: {error}") from error


def kept_sessions() -> list[Session]:
    """Return the readable sessions, latest first."""
    try:
        paths = sorted(_folder().glob("*.json"), reverse=True)
    except OSError:  # where none can be kept, none was
        return []
    sessions = []
    for path in paths:
        try:
            sessions.append(load_session(path.stem))
        except ConfigurationError:
            continue
    return sessions


def session_names() -> list[str]:
    """Return the sessions that were kept, the latest first."""
    return [session.name for session in kept_sessions()]


def _folder() -> Path:
    return state_folder("advisor") / "sessions"


class Advisor(NamedTuple):
    """The advisor: a ring, the name to request from it, and the model that the name resolves to."""

    ring: LLMRing
    name: str
    model: str


async def find_advisor() -> Advisor | None:
    """Return the advisor; ``None`` if no model can be used.

    That is the alias ``advisor`` of the lockfile here, else that of the lockfile that ships with
    llmring, by the first provider that has a key, else a model that Ollama has installed.
    """
    for lockfile in _lockfiles():
        ring = LLMRing(ORIGIN, lockfile=lockfile)
        try:
            return Advisor(ring, ADVISOR, ring.resolve_alias(ADVISOR))
        except (AliasNotFoundError, ProfileNotFoundError, ProviderNotFoundError):
            continue
    local = await installed_model()
    return None if local is None else Advisor(LLMRing(ORIGIN, lockfile=_binding(local)), ADVISOR, str(local))


def named_advisor(name: str) -> Advisor:
    """Return the advisor that the user named.

    Raises:
        LLMRingError: it cannot be used.
    """
    ring = LLMRing(ORIGIN)
    return Advisor(ring, name, ring.resolve_alias(name))


def _lockfiles() -> Sequence[Lockfile]:
    try:
        found = discover()
        own = [] if found.is_bundled else [load(found.path)]
    except LLMRingError:
        own = []  # the advisor may be here to mend it
    return [*own, load(BUNDLED)]


def _binding(ref: ModelRef) -> Lockfile:
    return Lockfile(profiles={DEFAULT_PROFILE: Profile(DEFAULT_PROFILE, (Binding(ADVISOR, (ref,)),))})
