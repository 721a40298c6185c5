"""The session itself: lines that the person types, turns of the model, and commands that begin with a slash."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from llmring import LLMRing, Message
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import counted, say
from llmring_cli.advisor.changes import Changes
from llmring_cli.advisor.prompt import instructions
from llmring_cli.advisor.screen import Screen
from llmring_cli.advisor.session import Session, kept_sessions, load_session, save_session
from llmring_cli.advisor.turn import Turns
from llmring_cli.toolbox import Toolbox

T = TypeVar("T")

COMMANDS = {
    "/help": "show this",
    "/diff": "show what is not written yet",
    "/save": "write it, after a yes",
    "/model NAME": "ask another alias or provider:model",
    "/clear": "forget what was said",
    "/sessions": "list the sessions that were kept",
    "/load NAME": "go on with one of them",
    "/exit": "leave; so does Ctrl-D",
}


class Conversation:
    """Talks until the person leaves.

    Args:
        ring: asks the model.
        model: the one to begin with.
        toolbox: what the model can do.
        screen: where the person is.
        session: what was said before; it is kept after every turn.
    """

    def __init__(self, ring: LLMRing, model: str, toolbox: Toolbox, screen: Screen, session: Session) -> None:
        self._changes = Changes(toolbox, screen)
        self._turns = Turns(ring, model, toolbox, self._changes, screen)
        self._ring = ring
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
            say("there are changes that are not written:")
            await self._changes.save()

    async def _turn(self, text: str) -> None:
        configuration = await self._toolbox.call("get_configuration", {})
        system = Message(role="system", content=instructions(configuration.text))
        try:
            said = await interruptible(self._turns.take(system, self._session.messages, text))
        except LLMRingError as error:
            say(f"error: {error}")
            return
        if said is None:
            say("stopped: the model does not remember this turn")
            return
        self._session.messages += said
        self._keep()

    async def _command(self, name: str, argument: str = "") -> None:
        if name == "/diff":
            self._screen.diff(await self._changes.diff() or "nothing has changed")
        elif name == "/save":
            await self._changes.save()
        elif name == "/model" and argument:
            self._choose(argument)
        elif name == "/clear":
            self._session.messages.clear()
        elif name == "/sessions":
            for session in kept_sessions():
                print(f"{session.name}  {session.title[:60]}")
        elif name == "/load" and argument:
            self._load(argument)
        else:
            for usage, meaning in COMMANDS.items():
                say(f"  {usage:12} {meaning}")

    def _keep(self) -> None:
        try:
            save_session(self._session)
        except OSError as error:
            say(f"warning: the session cannot be kept: {error}")

    def _choose(self, model: str) -> None:
        try:
            say(f"asking {self._ring.resolve_alias(model)} from now on")
        except LLMRingError as error:
            say(f"error: {error}")
            return
        self._turns.model = model

    def _load(self, name: str) -> None:
        try:
            self._session = load_session(name)
        except LLMRingError as error:
            say(f"error: {error}")
            return
        say(f"{counted(len(self._session.messages), 'message')}; it began with: {self._session.title[:60]}")


async def interruptible(turn: Coroutine[Any, Any, T]) -> T | None:
    """Run a turn that Ctrl-C stops; ``None`` if it did. The session goes on."""
    task = asyncio.create_task(turn)
    before = signal.getsignal(signal.SIGINT)
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except NotImplementedError:  # Windows: there Ctrl-C ends the whole session
        return await task
    try:
        return await task
    except asyncio.CancelledError:
        return None
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
