"""Saved conversations: one file per user, readable by its owner alone, in which every ``llmring chat`` is kept.

A single question takes the place of the one before it in the same folder, until it is continued; a conversation stays.
"""

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import msgspec
from llmring import LLMRing
from llmring.conversation import Conversation, ConversationStore, StoredConversation
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError, ValidationError

from llmring_cli._files import state_folder
from llmring_cli._output import report

SWITCH = "LLMRING_SAVE_CHATS"
_SWITCHES = {"1": True, "true": True, "yes": True, "on": True} | dict.fromkeys(
    ("0", "false", "no", "off"), False
)
EVERY = 2**31
"""More conversations than a file holds."""


class Document(msgspec.Struct, omit_defaults=True):
    """A conversation as commands read it, which have no ring.

    Attributes:
        messages: oldest first, with what providers want back unchanged.
    """

    messages: list[Message] = []


def open_store() -> ConversationStore:
    """Return the user's store. The file need not exist.

    Raises:
        OSError: the user has no home.
    """
    return ConversationStore(state_folder("chat") / "chats.db")


def saving_is_on(*, no_save: bool = False) -> bool:
    """Return whether conversations are saved: unless an option or ``LLMRING_SAVE_CHATS`` says no.

    Raises:
        ConfigurationError: the variable has no such value.
    """
    value = os.environ.get(SWITCH, "").strip().lower() or "on"
    if value not in _SWITCHES:
        raise ConfigurationError(f"{SWITCH} must be on or off; got {value!r}")
    return _SWITCHES[value] and not no_save


def topic_of(folder: Path) -> str:
    """Return the name of a folder in the store, also where its bytes are no UTF-8."""
    return os.fsencode(folder.resolve()).decode(errors="backslashreplace")


def question_id(folder: Path) -> str:
    """Return the id under which a folder's last single question is saved."""
    return hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def find(
    store: ConversationStore, beginning: str | None = None, *, folder: Path | None = None
) -> StoredConversation:
    """Return the conversation whose id begins so; without one, the conversation that changed last.

    Args:
        store: of the user.
        beginning: of the id.
        folder: only those of this folder.

    Raises:
        ConfigurationError: there is none, or there are several.
    """
    topic = None if folder is None else topic_of(folder)
    if beginning is None:
        latest = store.list(limit=1, topic=topic)
        if not latest:
            where = "" if folder is None else f" to continue in {folder}"
            raise ConfigurationError(f"there is no conversation{where}")
        return latest[0]
    found = [each for each in store.list(limit=EVERY, topic=topic) if each.id.startswith(beginning)]
    if not found:
        raise ConfigurationError(f"there is no conversation {beginning!r}; to see them: llmring chats list")
    if len(found) > 1:
        ids = ", ".join(each.id for each in found[:5])
        raise ConfigurationError(
            f"{len(found)} conversations begin with {beginning!r}: {ids}; write more of the id"
        )
    return found[0]


def read(store: ConversationStore, conversation_id: str) -> Document:
    """Return a saved conversation.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return msgspec.json.decode(store.document(conversation_id), type=Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"cannot read the conversation {conversation_id}: {error}") from error


class Held(NamedTuple):
    """A conversation to continue, before there is a ring.

    Attributes:
        id: under which it is saved.
        model: the alias or ``provider:model`` that it last had.
        document: all of it.
    """

    id: str
    model: str | None
    document: bytes


def hold(store: ConversationStore, found: StoredConversation) -> Held:
    """Return a saved conversation to continue."""
    return Held(found.id, found.model, store.document(found.id))


def last_of(folder: Path) -> Held:
    """Return the last conversation of a folder.

    Raises:
        ConfigurationError: there is none, or it cannot be read.
        OSError: the user has no home.
    """
    store = open_store()
    return hold(store, find(store, folder=folder))


def begin(
    ring: LLMRing, held: Held | None, *, model: str | None, profile: str | None, system: str | None
) -> Conversation:
    """Return a conversation, new or continued; what is given takes the place of what it had.

    Raises:
        ConfigurationError: the one to continue cannot be read.
    """
    if held is None:
        return Conversation(ring, model, profile=profile, system=system)
    try:
        conversation = Conversation.from_json(held.document, ring)
    except ConfigurationError as error:
        raise ConfigurationError(f"cannot read the conversation {held.id}: {error}") from error
    conversation.model = model or conversation.model
    conversation.profile = profile or conversation.profile
    if system is not None:
        conversation.instruct(system)
    return conversation


class Record:
    """Saves one conversation as it grows, if saving is on; what goes wrong is one warning.

    Args:
        folder: the conversation's.
        on: save at all.
        held: what is continued.
    """

    def __init__(self, folder: Path, *, on: bool, held: Held | None = None) -> None:
        self.on = on
        self.conversation_id = None if held is None else held.id
        self._topic = topic_of(folder)
        self._question = question_id(folder)

    def save(self, conversation: Conversation, *, question: bool = False) -> None:
        """Save the conversation as it is now.

        Args:
            conversation: with all its messages.
            question: it is a single one, which takes the place of the one before it in this folder. Continued, it
                becomes a conversation that stays.
        """
        if not self.on:
            return
        try:
            self._save(open_store(), conversation, question=question)
        except (OSError, ConfigurationError, ValidationError) as error:
            self.on = False
            report(f"warning: the conversation cannot be saved: {error}")

    def _save(self, store: ConversationStore, conversation: Conversation, *, question: bool) -> None:
        before = self.conversation_id
        if question:
            store.delete(self._question)  # also the title and the time of the one before
            self.conversation_id = store.save(conversation, self._question, topic=self._topic)
            return
        into = None if before == self._question else before
        self.conversation_id = store.save(conversation, into, topic=self._topic)
        if before not in (None, self.conversation_id):
            store.delete(self._question)
