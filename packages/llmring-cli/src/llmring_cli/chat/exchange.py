"""One question and its answer, with the tools that run in between, and the conversation kept for ``--continue``."""

import hashlib
import importlib
import os
import re
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from llmring import ChatStream, LLMRequest, LLMResponse, LLMRing
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError, ValidationError

from llmring_cli._files import state_folder, write_private

if TYPE_CHECKING:
    from llmring.tools import RunStream, Tool

_FUNCTION = re.compile(r"\w+(\.\w+)*:\w+(\.\w+)*")


class Exchange:
    """Sends a request, whole or streamed, and runs the tools that the model calls.

    Args:
        ring: sends.
        request: the question.
        profile: of the lockfile.
        tools: that the model may call.
    """

    def __init__(
        self, ring: LLMRing, request: LLMRequest, profile: str | None = None, tools: "Sequence[Tool]" = ()
    ) -> None:
        self._ring = ring
        self._request = request
        self._profile = profile
        self._tools = tools
        self._stream: ChatStream | RunStream | None = None
        self._response: LLMResponse | None = None
        self._between: list[Message] = []

    async def whole(self) -> LLMResponse:
        """Return the last answer."""
        if self._tools:
            run = await self._ring.run(self._request, tools=self._tools, profile=self._profile)
            self._response, self._between = run.response, run.messages[len(self._request.messages) : -1]
        else:
            self._response = await self._ring.chat(self._request, profile=self._profile)
        return self._response

    def stream(self) -> "ChatStream | RunStream":
        """Return the chunks of the answers, and the results of tools."""
        if self._tools:
            self._stream = self._ring.run_stream(self._request, tools=self._tools, profile=self._profile)
        else:
            self._stream = self._ring.chat_stream(self._request, profile=self._profile)
        return self._stream

    @property
    def response(self) -> LLMResponse:
        """The last answer, once it has come."""
        if isinstance(self._stream, ChatStream):
            self._response = self._stream.response
        elif self._stream is not None:
            run = self._stream.trace
            self._response, self._between = run.response, run.messages[len(self._request.messages) : -1]
        if self._response is None:
            raise RuntimeError("the answer has not come to its end")
        return self._response

    @property
    def said(self) -> list[Message]:
        """The messages after the question: calls, results, and the last answer."""
        return [*self._between, self.response.to_message()]


@asynccontextmanager
async def open_tools(functions: Sequence[str], servers: Sequence[str]) -> "AsyncGenerator[list[Tool], None]":
    """Give the tools that options name, while their servers run.

    Args:
        functions: ``module:function``; modules of the working directory count, behind all that are installed.
        servers: commands or addresses of MCP servers.

    Raises:
        ValidationError: a function cannot be found or cannot be a tool.
        ConfigurationError: a server does not answer.
    """
    if not functions and not servers:
        yield []
        return
    from llmring.tools import mcp_tools, tool  # noqa: PLC0415 - seldom needed

    tools = [tool(_find(name), name=name.rpartition(":")[2].rpartition(".")[2]) for name in functions]
    async with AsyncExitStack() as stack:
        for server in servers:
            tools += await stack.enter_async_context(mcp_tools(server))
        yield tools


def _find(name: str) -> Callable[..., Any]:
    if not _FUNCTION.fullmatch(name):
        raise ValidationError(f"{name!r} is no function: write module:function", field="tool")
    try:
        found = import_object(name)
    except Exception as error:  # whatever the module raises
        raise ValidationError(
            f"the tool {name} cannot be loaded: {type(error).__name__}: {error}", field="tool"
        ) from error
    if not callable(found):
        raise ConfigurationError(f"the tool {name} is no function")
    return found  # type: ignore[no-any-return]


def import_object(name: str) -> Any:
    """Return what ``module:name`` names; its code runs. Modules of the working directory are looked up last.

    A module of a cloned repository must not stand in for an installed one.
    """
    module, _, path = name.partition(":")
    sys.path.append("")
    try:
        return attrgetter(path)(importlib.import_module(module))
    finally:
        sys.path.remove("")


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
