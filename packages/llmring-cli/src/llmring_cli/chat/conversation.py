"""Storage of the last conversation of each folder, for ``--continue``."""

import hashlib
import os
from pathlib import Path

import msgspec
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError

from llmring_cli._files import state_folder, write_private


class Conversation(msgspec.Struct, omit_defaults=True):
    """A stored conversation, in the form of :class:`llmring.conversation.Conversation`, which needs a ring to be made.

    Attributes:
        model: the alias or ``provider:model`` that was asked for; ``None`` for the alias ``default``.
        messages: oldest first, with what providers want back unchanged.
    """

    model: str | None = None
    messages: list[Message] = msgspec.field(default_factory=list)


def instruct(messages: list[Message], system: str) -> list[Message]:
    """Replace the instructions in the messages."""
    return [Message(role="system", content=system), *(one for one in messages if one.role != "system")]


def load_conversation(folder: Path) -> Conversation:
    """Return the last conversation of a folder.

    Raises:
        ConfigurationError: there is none, or it cannot be read.
    """
    path = conversation_path(folder)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Conversation)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no conversation to continue in {folder}") from error
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the conversation in {path}: {error}") from error


def save_conversation(folder: Path, conversation: Conversation) -> None:
    """Store a conversation in place of the previous one.

    Raises:
        OSError: it cannot be written.
    """
    write_private(conversation_path(folder), msgspec.json.encode(conversation))


def conversation_path(folder: Path) -> Path:
    """Return the file of a folder's conversation."""
    key = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return state_folder("chat") / f"{key}.json"
