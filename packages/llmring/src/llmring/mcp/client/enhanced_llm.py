"""A model with tools in the form of llmring 1.4, over :meth:`LLMRing.run`; see :mod:`llmring.mcp.client`."""

import base64
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, overload
from uuid import UUID

import msgspec
from llmring_types import LLMRequest, LLMResponse, Message, StreamChunk
from llmring_types.exceptions import ConversationNotFoundError, ValidationError

from llmring import content
from llmring.service_extended import LLMRingSession, read_messages
from llmring.tools import Tool, ToolError, mcp_tools

_FIELDS = frozenset(LLMRequest.__struct_fields__) - {"messages", "model", "tools"}


class ToolDefinition(msgspec.Struct, kw_only=True):
    """A tool as it was registered."""

    name: str
    description: str
    parameters: dict[str, Any]
    handler: Callable[..., Any]
    module_name: str | None = None

    def runnable(self) -> Tool:
        """Return the tool for :meth:`LLMRing.run`: the schema as given, a sync handler in a thread."""

        async def call(text: str) -> Any:
            arguments = msgspec.json.decode(text or "{}")
            if not isinstance(arguments, dict):
                raise ToolError("the arguments must be a JSON object")
            if inspect.iscoroutinefunction(self.handler):
                return await self.handler(**arguments)
            from anyio import to_thread  # noqa: PLC0415 - only for sync handlers

            bound = functools.partial(self.handler, **arguments)
            result = await to_thread.run_sync(bound, abandon_on_cancel=True)
            return await result if inspect.isawaitable(result) else result

        return Tool(name=self.name, description=self.description, parameters=self.parameters, call=call)


class EnhancedLLM:
    """A model that runs tools: those registered, and those of an MCP server, whose names begin with ``mcp_``.

    Args:
        llm_model: an alias or ``provider:model``.
        llmring_server_url: usage server, which then keeps the conversations.
        mcp_server_url: an ``http(s)`` address, or ``stdio://`` and a command.
        origin: who is asking, for the usage log.
        user_id: for the metadata of requests that name no other; never sent to a provider.
        api_key: key for the usage server.
        lockfile_path: as of :class:`LLMRing`.
    """

    def __init__(  # noqa: PLR0917 - the signature of 1.4
        self,
        llm_model: str = "fast",
        llmring_server_url: str | None = None,
        mcp_server_url: str | None = None,
        origin: str = "enhanced-llm",
        user_id: str | None = None,
        api_key: str | None = None,
        lockfile_path: str | Path | None = None,
    ) -> None:
        self.llm_model = llm_model
        self.origin = origin
        self.default_user_id = user_id or "enhanced-llm-user"
        self.llmring = LLMRingSession(
            origin, None, lockfile_path, server_url=llmring_server_url, api_key=api_key
        )
        self.registered_tools: dict[str, ToolDefinition] = {}
        self.current_conversation_id: str | None = None
        self.conversation_history: list[Message] = []
        self._server = mcp_server_url
        self._stack = AsyncExitStack()
        self._tools: list[Tool] | None = None

    def __await__(self) -> Generator[Any, None, Self]:
        """Connect, as :meth:`initialize` does: ``llm = await create_enhanced_llm(…)``."""
        yield from self.initialize().__await__()
        return self

    async def initialize(self) -> None:
        """Connect to the MCP server, if any; the first :meth:`chat` does it otherwise.

        Raises:
            ConfigurationError: the extra ``mcp`` is not installed, or nothing answers.
        """
        if self._tools is None and self._server is not None:
            tools = mcp_tools(self._server.removeprefix("stdio://"), prefix="mcp_")
            self._tools = await self._stack.enter_async_context(tools)

    async def close(self) -> None:
        """End the connections."""
        self._tools = None
        try:
            await self._stack.aclose()
        finally:
            await self.llmring.close()

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def register_tool(
        self,
        name: str,
        description: str,
        parameters: dict[str, Any],
        handler: Callable[..., Any],
        module_name: str | None = None,
    ) -> None:
        """Add a tool.

        Args:
            name: by which the model calls it.
            description: tells the model what it does.
            parameters: JSON schema of its arguments.
            handler: called with them by name, async or not.
            module_name: shown by :meth:`list_registered_tools`.

        Raises:
            ValidationError: there is one of this name (also a ``ValueError``).
        """
        if name in self.registered_tools:
            raise ValidationError(f"Tool {name!r} is already registered", field="name", value=name)
        self.registered_tools[name] = ToolDefinition(
            name=name,
            description=description,
            parameters=parameters,
            handler=handler,
            module_name=module_name,
        )

    def unregister_tool(self, name: str) -> bool:
        """Take a tool away; ``False`` where there is none of this name."""
        return self.registered_tools.pop(name, None) is not None

    def list_registered_tools(self) -> list[dict[str, Any]]:
        """Return the registered tools with all but their handlers."""
        names = ("name", "description", "module_name", "parameters")
        return [{name: getattr(each, name) for name in names} for each in self.registered_tools.values()]

    @overload
    async def chat(
        self,
        messages: Sequence[Message | dict[str, Any]],
        user_id: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stream: Literal[False] = False,
        **fields: Any,
    ) -> LLMResponse: ...

    @overload
    async def chat(
        self,
        messages: Sequence[Message | dict[str, Any]],
        user_id: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        *,
        stream: Literal[True],
        **fields: Any,
    ) -> AsyncIterator[StreamChunk]: ...

    async def chat(
        self,
        messages: Sequence[Message | dict[str, Any]],
        user_id: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        stream: bool = False,
        **fields: Any,
    ) -> LLMResponse | AsyncIterator[StreamChunk]:
        """Send messages, run the tools that the model calls, and return its last answer.

        Args:
            messages: the conversation. A dict may have ``attachments``: ``{"type": "file", "data": bytes or base64,
                "content_type": …, "filename": …}``.
            user_id: for the metadata of the request.
            temperature: as of :class:`LLMRequest`, like those that follow.
            max_tokens: as above.
            stream: return the chunks of all answers instead.
            fields: of the request; those that it does not have go into its ``extra_params``.

        Raises:
            LLMRingError: as from :meth:`LLMRing.run`.
        """
        await self.initialize()
        given = {name: value for name, value in fields.items() if name in _FIELDS}
        extra = {name: value for name, value in fields.items() if name not in _FIELDS}
        metadata = {"id_at_origin": user_id or self.default_user_id, **(given.pop("metadata", None) or {})}
        request = LLMRequest(
            messages=[_message(each) for each in messages],
            model=self.llm_model,
            temperature=temperature,
            max_tokens=max_tokens,
            metadata=metadata,
            extra_params={**given.pop("extra_params", {}), **extra},
            **given,
        )
        tools = [*(each.runnable() for each in self.registered_tools.values()), *(self._tools or ())]
        if stream:
            events = self.llmring.run_stream(request, tools=tools)
            return (event async for event in events if isinstance(event, StreamChunk))
        run = await self.llmring.run(request, tools=tools)
        if self.current_conversation_id is not None:
            await self.llmring.store_messages(UUID(self.current_conversation_id), run.messages, run.response)
        return run.response

    async def create_conversation(
        self, title: str | None = None, system_prompt: str | None = None, user_id: str | None = None
    ) -> str:
        """Begin a conversation, which later calls of :meth:`chat` are kept in, and return its id."""
        del user_id  # the server knows the key
        identifier = await self.llmring.create_conversation(title, system_prompt, self.llm_model)
        self.current_conversation_id = str(identifier)
        return self.current_conversation_id

    async def load_conversation(self, conversation_id: str, user_id: str | None = None) -> None:
        """Go on with a conversation: its messages are in ``conversation_history``.

        Raises:
            ConversationNotFoundError: there is none of this id.
        """
        del user_id
        found = await self.llmring.get_conversation_history(UUID(conversation_id), 1000)
        if found is None:
            raise ConversationNotFoundError(f"there is no conversation {conversation_id!r}")
        self.current_conversation_id = conversation_id
        self.conversation_history = read_messages(found)

    async def list_conversations(self, user_id: str | None = None, limit: int = 10) -> list[dict[str, Any]]:
        """Return the conversations without their messages, those changed last first."""
        del user_id
        return await self.llmring.list_conversations(limit)


def create_enhanced_llm(
    llm_model: str | None = None,
    llmring_server_url: str | None = None,
    mcp_server_url: str | None = None,
    *,
    model: str | None = None,
    mcp_server_path: str | None = None,
    **options: Any,
) -> EnhancedLLM:
    """Return a model with tools; with ``await`` before it, one that is connected to the MCP server.

    Args:
        llm_model: as of :class:`EnhancedLLM`, like those that follow.
        llmring_server_url: as above.
        mcp_server_url: as above.
        model: another word for ``llm_model``.
        mcp_server_path: another word for ``mcp_server_url``; a command.
        options: the other arguments of :class:`EnhancedLLM`.
    """
    return EnhancedLLM(
        llm_model or model or "fast", llmring_server_url, mcp_server_url or mcp_server_path, **options
    )


def _message(given: Message | Mapping[str, Any]) -> Message:
    if isinstance(given, Message):
        return given
    fields = dict(given)
    attachments = fields.pop("attachments", None) or ()
    if attachments:
        text = fields.get("content")
        own = [{"type": "text", "text": text}] if isinstance(text, str) and text else list(text or ())
        fields["content"] = [*own, *map(_attachment, attachments)]
    return Message.model_validate(fields)


def _attachment(attachment: Mapping[str, Any]) -> dict[str, Any]:
    data = attachment["data"]
    data = base64.b64decode(data) if isinstance(data, str) else data
    kind = attachment.get("content_type")
    if (kind or "").startswith("image/"):
        return content.image(data, media_type=kind)
    return content.document(data, media_type=kind, name=attachment.get("filename"))
