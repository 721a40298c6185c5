"""The conversation with the advisor: input lines, slash commands, turns of the model, and changes to confirm."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from llmring import LLMRequest, Message, ToolCall
from llmring_types.exceptions import LLMRingError

from llmring_cli._lockfiles import shown
from llmring_cli._output import count_text, print_line, report, screen_width
from llmring_cli.advisor.session import Advisor, Session, kept_sessions, load_session, save_session
from llmring_cli.chat.answer import show
from llmring_cli.chat.exchange import Exchange
from llmring_cli.chat.screen import Screen, confirm, interruptible
from llmring_cli.toolbox import Toolbox, ToolResult
from llmring_cli.toolbox.tool import CHANGES, SAVE

Choose = Callable[[str], Awaitable[Advisor]]

COMMANDS = {
    "/help": "show this",
    "/diff": "show the unsaved changes",
    "/save": "write them, after a confirmation",
    "/model NAME": "switch to another alias or provider:model",
    "/clear": "clear the conversation",
    "/sessions": "list the stored sessions",
    "/load NAME": "continue one of them",
    "/exit": "leave; so does Ctrl-D",
}

_REFUSED = "The developer refused. Nothing was written; the changes are still in the draft."
_INSTRUCTIONS = """\
You help a developer to write llmring.lock, the file that binds aliases to language models. An application asks for an
alias, such as "summarizer", and the lockfile says which model does it: an ordered pool of provider:model, where the next
one answers when the first is overloaded or gone. Profiles (default, prod, dev and so on) bind the same aliases to other
models; they do not inherit from each other.

Find out what the aliases are for: the task, how long the inputs are, which capabilities are needed, how many calls there
are and what they may cost. Ask one short question at a time, and none whose answer does not matter.

Never name a model from memory: models, prices and limits come from the tools, and yours are out of date. Prefer pools with
members of several providers, and only providers that can be used here. Name an alias after its task, never after a model.

Changes go into a draft. When the developer agrees with one, make it and call save_lockfile: the developer is shown the
difference and decides; a refusal is final until they say otherwise. Answer in a few sentences, with figures.
"""
_MOST_ROUNDS = 16


class Conversation:
    """Runs until the user leaves.

    Args:
        advisor: the first model.
        choose: returns the advisor of a name.
        toolbox: what the model can do.
        screen: the user interface.
        session: the earlier messages; it is stored after every turn.
    """

    def __init__(
        self, advisor: Advisor, choose: Choose, toolbox: Toolbox, screen: Screen, session: Session
    ) -> None:
        self._changes = Changes(toolbox, screen)
        self._turns = Turns(advisor, toolbox, self._changes, screen)
        self._choose = choose
        self._toolbox = toolbox
        self._screen = screen
        self._session = session

    async def run(self) -> None:
        """Take line after line."""
        while True:
            line = await self._screen.ask("you> ")
            if line is None or line.strip() == "/exit":
                break
            if line.startswith("/"):
                await self._command(*line.split(maxsplit=1))
            elif line.strip():
                await self._turn(line)
        if await self._changes.diff():
            report("there are unsaved changes:")
            await self._changes.save()

    async def _turn(self, text: str) -> None:
        configuration = await self._toolbox.call("get_configuration", {})
        system = Message(role="system", content=instructions(configuration.text))
        try:
            turn = self._turns.take(system, self._session.messages, text)
            messages = await (interruptible(turn) if self._screen.interactive else turn)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        if messages is None:
            report("stopped; this turn is not part of the conversation")
            return
        self._session.messages += messages
        self._keep()

    async def _command(self, name: str, argument: str = "") -> None:
        if name == "/diff":
            self._screen.diff(await self._changes.diff() or "nothing has changed")
        elif name == "/save":
            await self._changes.save()
        elif name == "/model" and argument:
            await self._change_advisor(argument)
        elif name == "/clear":
            self._session.messages.clear()
        elif name == "/sessions":
            for session in kept_sessions():
                print_line(f"{session.name}  {session.title[:60]}")
        elif name == "/load" and argument:
            self._load(argument)
        else:
            if name != "/help":
                report(f"unknown command {name}; available:")
            for usage, meaning in COMMANDS.items():
                report(f"  {usage:12} {meaning}")

    def _keep(self) -> None:
        try:
            save_session(self._session)
        except OSError as error:
            report(f"warning: the session cannot be saved: {error}")

    async def _change_advisor(self, name: str) -> None:
        try:
            self._turns.advisor = await self._choose(name)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        report(f"now using {self._turns.advisor.model}")

    def _load(self, name: str) -> None:
        try:
            self._session = load_session(name)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        report(
            f"{count_text(len(self._session.messages), 'message')}; first message: {self._session.title[:60]}"
        )


class _Saved(msgspec.Struct):
    lockfile: str


class Changes:
    """The changes in the draft of a toolbox.

    Args:
        toolbox: of this machine, or behind a server.
        screen: the user interface.
    """

    def __init__(self, toolbox: Toolbox, screen: Screen) -> None:
        self._toolbox = toolbox
        self._screen = screen

    async def diff(self) -> str:
        """Return the changes as a unified diff; empty if there are none."""
        result = await self._toolbox.call(CHANGES, {})
        return "" if result.is_error else msgspec.json.decode(result.text, type=dict[str, str])["diff"]

    async def save(self) -> ToolResult:
        """Write them after a confirmation, and return the outcome."""
        diff = await self.diff()
        if diff:
            self._screen.diff(diff)
            if not await confirm(self._screen, "write this?"):
                report("nothing was written")
                return ToolResult(_REFUSED)
        result = await self._toolbox.call(SAVE, {})
        if result.is_error:
            report(f"error: {result.text}")
        elif diff:
            path = msgspec.json.decode(result.text, type=_Saved).lockfile
            report(f"wrote {shown(Path(path))}")
        else:
            report("there was nothing to write")
        return result


def instructions(configuration: str) -> str:
    """Return the system message.

    Args:
        configuration: what the tool ``get_configuration`` answers.
    """
    return f"{_INSTRUCTIONS}\nThe configuration now:\n{configuration}"


class Turns:
    """Takes turns with a model.

    Args:
        advisor: the model.
        toolbox: what the model can do.
        changes: written only after a confirmation.
        screen: the user interface.
    """

    def __init__(self, advisor: Advisor, toolbox: Toolbox, changes: Changes, screen: Screen) -> None:
        self.advisor = advisor
        self._toolbox = toolbox
        self._changes = changes
        self._screen = screen

    async def take(self, system: Message, history: Sequence[Message], text: str) -> list[Message]:
        """Let the model answer, and return the messages that this adds to the history.

        Raises:
            LLMRingError: the request fails, or the model calls tools without end.
        """
        added = [Message(role="user", content=text)]
        tools = list(await self._toolbox.specs())
        for _ in range(_MOST_ROUNDS):
            request = LLMRequest([system, *history, *added], model=self.advisor.name, tools=tools)
            response = await show(Exchange(self.advisor.ring, request), self._screen.writer)
            added.append(response.to_message())
            if not response.tool_calls:
                return added
            added += [await self._run(call) for call in response.tool_calls]
        raise LLMRingError(
            f"the model called tools {_MOST_ROUNDS} times without an answer; split the request"
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
    shown_arguments = (f"{key}={_value(value)}" for key, value in arguments.items())
    text = " ".join([f"· {name}", *shown_arguments])
    width = screen_width()
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_value, value))
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
