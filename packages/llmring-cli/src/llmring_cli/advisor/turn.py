"""One turn: the person says something, the model calls tools until it has an answer."""

from collections.abc import Sequence
from typing import Any

import msgspec
from llmring import LLMRequest, Message, ToolCall
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import report, screen_width
from llmring_cli.advisor.changes import Changes
from llmring_cli.advisor.model import Advisor
from llmring_cli.advisor.screen import Screen
from llmring_cli.chat.answer import show
from llmring_cli.toolbox import Toolbox, ToolResult
from llmring_cli.toolbox.box import SAVE

_MOST_ROUNDS = 16


class Turns:
    """Takes turns with a model.

    Args:
        advisor: who is asked.
        toolbox: what the model can do.
        changes: what is written only after a yes.
        screen: where the person is.
    """

    def __init__(self, advisor: Advisor, toolbox: Toolbox, changes: Changes, screen: Screen) -> None:
        self.advisor = advisor
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
            request = LLMRequest([system, *history, *said], model=self.advisor.name, tools=tools)
            response = await show(self.advisor.ring, request, self._screen.writer)
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
        except (msgspec.DecodeError, RecursionError) as error:
            return ToolResult(f"the arguments are not JSON: {error}", is_error=True)
        if name == SAVE:
            return await self._changes.save()
        report(call_text(name, decoded))
        result = await self._toolbox.call(name, decoded)
        if result.is_error:
            report(f"  {result.text}")
        return result


def call_text(name: str, arguments: Any) -> str:
    """Return a call of a tool on one line: ``· find_models needs=vision,tools limit=3``."""
    if not isinstance(arguments, dict):
        return f"· {name}"
    told = (f"{key}={_value(value)}" for key, value in arguments.items())
    text = " ".join([f"· {name}", *told])
    width = screen_width()
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_value, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
