"""One turn: the person says something, the model calls tools until it has an answer."""

from collections.abc import Sequence
from typing import Any

import msgspec
from llmring import LLMRequest, LLMRing, Message, ToolCall
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import say
from llmring_cli.advisor.changes import Changes
from llmring_cli.advisor.screen import Screen
from llmring_cli.chat.answer import show
from llmring_cli.toolbox import Toolbox, ToolResult
from llmring_cli.toolbox.box import SAVE

_MOST_ROUNDS = 16


class Turns:
    """Takes turns with a model.

    Args:
        ring: asks.
        model: whom.
        toolbox: what the model can do.
        changes: what is written only after a yes.
        screen: where the person is.
    """

    def __init__(self, ring: LLMRing, model: str, toolbox: Toolbox, changes: Changes, screen: Screen) -> None:
        self.model = model
        self._ring = ring
        self._toolbox = toolbox
        self._changes = changes
        self._screen = screen

    async def take(self, system: Message, history: Sequence[Message], text: str) -> list[Message]:
        """Let the model answer, and return the messages that this adds to the history.

        Raises:
            LLMRingError: the model cannot be asked, or goes round in circles.
        """
        said = [Message(role="user", content=text)]
        tools = list(await self._toolbox.specs())
        for _ in range(_MOST_ROUNDS):
            request = LLMRequest([system, *history, *said], model=self.model, tools=tools)
            response = await show(self._ring, request, self._screen.writer)
            said.append(response.to_message())
            if not response.tool_calls:
                return said
            said += [await self._run(call) for call in response.tool_calls]
        raise LLMRingError(
            f"the model called tools {_MOST_ROUNDS} times without an answer; ask it for less at once"
        )

    async def _run(self, call: ToolCall) -> Message:
        name = call["function"]["name"]
        result = await self._result(name, call["function"]["arguments"])
        return Message(
            role="tool",
            content=result.text,
            tool_call_id=call["id"],
            metadata={"is_error": True} if result.is_error else None,
        )

    async def _result(self, name: str, arguments: str) -> ToolResult:
        try:
            decoded: Any = msgspec.json.decode(arguments or "{}")
        except msgspec.DecodeError as error:
            return ToolResult(f"the arguments are no JSON: {error}", is_error=True)
        if name == SAVE:
            return await self._changes.save()
        say(f"· {name} {arguments if decoded else ''}".rstrip())
        result = await self._toolbox.call(name, decoded)
        if result.is_error:
            say(f"  {result.text}")
        return result
