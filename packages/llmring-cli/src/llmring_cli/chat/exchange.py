"""One question and its answer, with the tools that run in between."""

import importlib
import re
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from llmring import ChatStream, LLMRequest, LLMResponse, LLMRing
from llmring_types import Message
from llmring_types.exceptions import ConfigurationError, ValidationError

if TYPE_CHECKING:
    from llmring.conversation import Conversation
    from llmring.tools import Run, RunStream, Tool

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
        self._answers: list[LLMResponse] = []
        self._between: list[Message] = []

    async def whole(self) -> LLMResponse:
        """Return the last answer."""
        if self._tools:
            self._take(await self._ring.run(self._request, tools=self._tools, profile=self._profile))
        else:
            self._answers = [await self._ring.chat(self._request, profile=self._profile)]
        return self._answers[-1]

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
            self._answers = [] if self._stream.response is None else [self._stream.response]
        elif self._stream is not None:
            self._take(self._stream.trace)
        if not self._answers:
            raise RuntimeError("the answer has not come to its end")
        return self._answers[-1]

    def add_to(self, conversation: "Conversation") -> None:
        """Add what came after the question, with its cost: calls, results, and the last answer."""
        last, answers = self.response, iter(self._answers)
        for message in self._between:
            conversation.append(next(answers) if message.role == "assistant" else message)
        conversation.append(last)

    def _take(self, run: "Run") -> None:
        self._answers, self._between = run.responses, run.messages[len(self._request.messages) : -1]


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
