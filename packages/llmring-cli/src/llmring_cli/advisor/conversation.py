"""The session itself: lines that the person types, turns of the model, and commands that begin with a slash."""

from collections.abc import Awaitable, Callable

from llmring import Message
from llmring_types.exceptions import LLMRingError

from llmring_cli._amounts import count_text
from llmring_cli._output import print_line, report
from llmring_cli.advisor.changes import Changes
from llmring_cli.advisor.interrupt import interruptible
from llmring_cli.advisor.model import Advisor
from llmring_cli.advisor.prompt import instructions
from llmring_cli.advisor.screen import Screen
from llmring_cli.advisor.session import Session, kept_sessions, load_session, save_session
from llmring_cli.advisor.turn import Turns
from llmring_cli.toolbox import Toolbox

Choose = Callable[[str], Awaitable[Advisor]]

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
        advisor: the model to begin with.
        choose: finds the one that the person names.
        toolbox: what the model can do.
        screen: where the person is.
        session: what was said before; it is kept after every turn.
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
            report("there are changes that are not written:")
            await self._changes.save()

    async def _turn(self, text: str) -> None:
        configuration = await self._toolbox.call("get_configuration", {})
        system = Message(role="system", content=instructions(configuration.text))
        try:
            turn = self._turns.take(system, self._session.messages, text)
            said = await (interruptible(turn) if self._screen.interactive else turn)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        if said is None:
            report("stopped: the model does not remember this turn")
            return
        self._session.messages += said
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
                report(f"there is no command {name}; there are:")
            for usage, meaning in COMMANDS.items():
                report(f"  {usage:12} {meaning}")

    def _keep(self) -> None:
        try:
            save_session(self._session)
        except OSError as error:
            report(f"warning: the session cannot be kept: {error}")

    async def _change_advisor(self, name: str) -> None:
        try:
            self._turns.advisor = await self._choose(name)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        report(f"asking {self._turns.advisor.model} from now on")

    def _load(self, name: str) -> None:
        try:
            self._session = load_session(name)
        except LLMRingError as error:
            report(f"error: {error}")
            return
        report(
            f"{count_text(len(self._session.messages), 'message')}; it began with: {self._session.title[:60]}"
        )
