"""The ring with conversations of llmring 1.4, over :class:`llmring.conversation.Conversation`, which new code uses."""

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
from llmring_types import LLMRequest, LLMResponse, Message
from llmring_types.exceptions import ServerError, ServerResponseError
from msgspec import UNSET, UnsetType

from llmring._records import calls_of_conversation
from llmring._ring import LLMRing
from llmring.conversation import Conversation

__all__ = ["ConversationManager", "LLMRingExtended", "LLMRingSession"]

_logger = logging.getLogger(__name__)
_NOT_FOUND = 404


class _Kept(msgspec.Struct):
    """A conversation as far as this ring knows it."""

    title: str | None = None
    system_prompt: str | None = None
    model: str = "default"
    messages: list[Message] = []
    on_server: bool = False


class LLMRingSession(LLMRing):
    """A ring that keeps conversations: on the usage server where there is one, in memory until it is closed otherwise.

    Args:
        origin: as of :class:`LLMRing`, like ``registry_url``, ``lockfile_path``, ``server_url`` and ``api_key``.
        enable_conversations: keep them at all.
        message_logging_level: what the server keeps of messages: ``full``, ``metadata`` or ``none``.
        timeout: as of :class:`LLMRing`.
        options: the other arguments of :class:`LLMRing`.
    """

    def __init__(  # noqa: PLR0917 - the signature of 1.4
        self,
        origin: str = "llmring",
        registry_url: str | None = None,
        lockfile_path: str | Path | None = None,
        server_url: str | None = None,
        api_key: str | None = None,
        enable_conversations: bool = True,
        message_logging_level: str = "full",
        timeout: float | UnsetType | None = UNSET,
        **options: Any,
    ) -> None:
        super().__init__(origin, registry_url, lockfile_path, server_url, api_key, timeout=timeout, **options)
        self.enable_conversations = enable_conversations
        self.message_logging_level = message_logging_level
        self._kept: dict[UUID, _Kept] = {}

    async def create_conversation(
        self,
        title: str | None = None,
        system_prompt: str | None = None,
        model_alias: str = "default",
        temperature: float = 0.7,
        max_tokens: int | None = None,
    ) -> UUID | None:
        """Begin a conversation and return its id; ``None`` where conversations are not kept.

        Where the server does not take it, a warning is logged and the conversation is kept in memory.

        Args:
            title: for lists.
            system_prompt: the instructions; sent by :class:`ConversationManager`.
            model_alias: the model; used by :class:`ConversationManager`.
            temperature: recorded on the server, not sent to models.
            max_tokens: as above.
        """
        if not self.enable_conversations:
            return None
        kept = _Kept(title, system_prompt, model_alias)
        identifier = uuid4()
        if self.server_client is not None:
            from llmring.server import new_conversation  # noqa: PLC0415 - only where there is a server

            body = new_conversation(
                title=title,
                system_prompt=system_prompt,
                model=model_alias,
                temperature=temperature,
                max_tokens=max_tokens,
            )
            try:
                identifier = UUID(await self.server_client.create_conversation(body))
                kept.on_server = True
            except (ServerError, ValueError) as error:
                _logger.warning("the conversation is kept in memory only: %s", error)
        self._kept[identifier] = kept
        return identifier

    async def chat_with_conversation(
        self,
        request: LLMRequest,
        conversation_id: UUID | None = None,
        store_messages: bool = True,
        profile: str | None = None,
    ) -> LLMResponse:
        """Send the request as :meth:`LLMRing.chat` does, and keep its messages and the answer in a conversation."""
        with calls_of_conversation(conversation_id):
            response = await self.chat(request, profile)
        if conversation_id is not None and store_messages:
            await self.store_messages(conversation_id, [*request.messages, response.to_message()], response)
        return response

    async def store_messages(
        self, conversation_id: UUID, messages: Sequence[Message], response: LLMResponse
    ) -> None:
        """Keep the messages of a conversation as it is now; those that are kept already are not sent again.

        Where the server does not take them, a warning is logged: an answer that was paid for is never lost over it.

        Args:
            conversation_id: from :meth:`create_conversation`, or of an earlier session.
            messages: all of them, the answer last.
            response: the answer.
        """
        if not self.enable_conversations:
            return
        kept = self._kept.setdefault(conversation_id, _Kept(on_server=self.server_client is not None))
        same = 0
        for old, new in zip(kept.messages, messages, strict=False):
            if (old.role, old.content) != (new.role, new.content):
                break
            same += 1
        kept.messages = list(messages)
        if self.server_client is None or not kept.on_server or same == len(messages):
            return
        from llmring.server import batch_of_messages  # noqa: PLC0415 - only where there is a server

        body = batch_of_messages(
            str(conversation_id), messages[same:], response, level=self.message_logging_level
        )
        try:
            await self.server_client.store_messages(str(conversation_id), body)
        except ServerError as error:
            _logger.warning("messages of conversation %s were not stored: %s", conversation_id, error)

    async def get_conversation_history(
        self, conversation_id: UUID, limit: int = 100
    ) -> dict[str, Any] | None:
        """Return a conversation with its first messages, the oldest first; ``None`` where there is none of this id.

        Raises:
            ServerError: the server cannot be reached, or does not answer as it should.
        """
        kept = self._kept.get(conversation_id)
        if self.server_client is None or (kept is not None and not kept.on_server):
            return None if kept is None else _shown(conversation_id, kept, limit)
        try:
            found = await self.server_client.conversation(str(conversation_id), message_limit=limit)
        except ServerResponseError as error:
            if error.status_code == _NOT_FOUND:
                return None
            raise
        kept = self._kept.setdefault(conversation_id, _Kept(on_server=True))
        kept.messages = read_messages(found)
        return found

    async def list_conversations(self, limit: int = 20, offset: int = 0) -> list[dict[str, Any]]:
        """Return the conversations without their messages, those changed last first.

        Raises:
            ServerError: as from :meth:`get_conversation_history`.
        """
        if self.server_client is not None:
            return await self.server_client.conversations(limit=limit, offset=offset)
        rows = [_shown(identifier, kept, 0) for identifier, kept in reversed(self._kept.items())]
        return rows[offset : offset + limit]


class LLMRingExtended(LLMRingSession):
    """The name of :class:`LLMRingSession` before llmring 1.0."""

    def __init__(self, *args: Any, **options: Any) -> None:
        warnings.warn(
            "llmring.LLMRingExtended is llmring.LLMRingSession now", DeprecationWarning, stacklevel=2
        )
        super().__init__(*args, **options)


class ConversationManager:
    """One conversation of a session.

    Attributes:
        llm: the session.
        conversation: what was said.
        current_conversation_id: where it is kept; ``None`` where it is not.
    """

    def __init__(self, llm_service: LLMRingSession) -> None:
        self.llm = llm_service
        self.conversation = Conversation(llm_service, "default")
        self.current_conversation_id: UUID | None = None

    @property
    def message_history(self) -> list[dict[str, Any]]:
        """The messages with their ``role`` and ``content``."""
        return [_row(message) for message in self.conversation.messages]

    async def start_conversation(
        self, title: str | None = None, system_prompt: str | None = None, model_alias: str = "default"
    ) -> UUID | None:
        """Begin a conversation and return its id; ``None`` where conversations are not kept."""
        self.current_conversation_id = await self.llm.create_conversation(title, system_prompt, model_alias)
        self.conversation = Conversation(self.llm, model_alias, system=system_prompt)
        return self.current_conversation_id

    async def send_message(
        self,
        content: str,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> LLMResponse:
        """Send what the user says and return the answer.

        Args:
            content: what the user says.
            model: of this answer only.
            temperature: as above.
            max_tokens: as above.

        Raises:
            LLMRingError: as from :meth:`LLMRing.chat`; the conversation is as it was before.
        """
        fields = {"model": model, "temperature": temperature, "max_tokens": max_tokens}
        with calls_of_conversation(self.current_conversation_id):
            response = await self.conversation.send(
                content, **{name: value for name, value in fields.items() if value is not None}
            )
        if self.current_conversation_id is not None:
            await self.llm.store_messages(self.current_conversation_id, self.conversation.messages, response)
        return response

    async def load_conversation(self, conversation_id: UUID) -> bool:
        """Go on with a conversation; ``False`` where there is none of this id."""
        found = await self.llm.get_conversation_history(conversation_id, 1000)
        if found is None:
            return False
        self.current_conversation_id = conversation_id
        messages = read_messages(found)
        model = found.get("model_alias") or "default"
        system = found.get("system_prompt")
        self.conversation = Conversation(self.llm, model, messages=messages)
        if system and not any(message.role == "system" for message in messages):
            self.conversation.instruct(system)
        return True

    def clear_history(self) -> None:
        """Forget what was said; the id stays."""
        self.conversation.messages.clear()

    def get_history(self) -> list[dict[str, Any]]:
        """Return a copy of the messages with their ``role`` and ``content``."""
        return self.message_history


def _shown(identifier: UUID, kept: _Kept, limit: int) -> dict[str, Any]:
    row = {
        "id": str(identifier),
        "title": kept.title,
        "system_prompt": kept.system_prompt,
        "model_alias": kept.model,
        "message_count": len(kept.messages),
    }
    return {**row, "messages": [_row(message) for message in kept.messages[:limit]]} if limit else row


def read_messages(found: Mapping[str, Any]) -> list[Message]:
    """Read the messages of a conversation; a server that keeps only metadata has no content for them."""
    return [
        Message(
            role=row["role"],
            content=row.get("content") or "",
            tool_calls=row.get("tool_calls"),
            tool_call_id=(row.get("metadata") or {}).get("tool_call_id"),
        )
        for row in found.get("messages", ())
    ]


def _row(message: Message) -> dict[str, Any]:
    return {"role": message.role, "content": message.content}
