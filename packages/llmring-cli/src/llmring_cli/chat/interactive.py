"""``llmring chat`` without a message: a conversation on a terminal, with slash commands between the questions."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from typing import Any, NamedTuple

from llmring_lockfile import did_you_mean, nearest
from llmring_types.exceptions import LLMRingError

from llmring_cli._files import write_output
from llmring_cli._live import ring_for
from llmring_cli._output import one_line, report, report_aside, report_logs, report_text, screen_width
from llmring_cli.chat.exchange import open_tools
from llmring_cli.chat.saved import Held, Record, begin
from llmring_cli.chat.screen import Screen, confirm, ending_at_once, staying
from llmring_cli.chat.talk import Talk, first_line
from llmring_cli.chat.transcript import described, exported, text_of

COMMANDS = {
    "/help": "show this",
    "/model NAME": "continue with another alias or provider:model",
    "/system TEXT": "replace the instructions; without a text, show them",
    "/attach PATH|URL": "send a file, or several by *, along with the next message",
    "/tools": "list what the model may call",
    "/retry": "ask the last question again",
    "/cost": "show tokens and cost so far",
    "/save FILE": "write the conversation as .md, .json or .jsonl",
    "/quit": "leave; so does Ctrl-D",
}
_KEYS = (
    "Enter sends; Alt-Enter, or a backslash before Enter, begins another line. Ctrl-C stops an answer. "
    "A line that begins with a space is no command."
)
_LIKE_A_COMMAND = 0.75
"""Likeness of a misspelt command to the real one; paths, such as ``/etc/hosts``, begin with a slash, too."""


class Opening(NamedTuple):
    """The options of a conversation.

    Attributes:
        model: an alias or ``provider:model``.
        profile: of the lockfile.
        system: instructions.
        options: further fields of each request, which are not saved.
        attachments: paths, patterns of them, and addresses that go with the first message.
        tools: functions that the model may call, then MCP servers.
        held: the conversation to continue.
        plain: show answers as they are written.
        verbose: report each answer's tokens, cost and attempts.
    """

    model: str | None = None
    profile: str | None = None
    system: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed
    attachments: Sequence[str] = ()
    tools: tuple[Sequence[str], Sequence[str]] = ((), ())
    held: Held | None = None
    plain: bool = False
    verbose: bool = False


async def converse(opening: Opening, record: Record) -> None:
    """Hold a conversation until the user leaves.

    Raises:
        LLMRingError: it cannot begin: no such model, no such tool.
    """
    report_logs()
    held = opening.held
    model = opening.model or (held and held.model)
    async with await ring_for(model) as ring, open_tools(*opening.tools) as tools:
        conversation = begin(ring, held, model=model, profile=opening.profile, system=opening.system)
        answering = ring.resolve_alias(conversation.model or "default", conversation.profile)
        report_text(fill(f"{answering} answers; /help lists commands, Ctrl-D leaves", screen_width()))
        screen = _screen(opening, record)
        talk = Talk(conversation, screen, tools, record, options=opening.options, verbose=opening.verbose)
        for name in opening.attachments:
            talk.attach(name)
        with staying():
            await Interaction(talk).run()


def _screen(opening: Opening, record: Record) -> Screen:
    from llmring_cli.chat.terminal import CommandCompleter, TerminalScreen, model_names  # noqa: PLC0415 - slow

    names = [usage.partition(" ")[0] for usage in COMMANDS]
    plain = opening.plain or "response_format" in opening.options  # JSON is no Markdown
    completer = CommandCompleter(names, {"/model": model_names, "/attach": _file_names})
    return TerminalScreen(completer, topic="chat" if record.on else None, lines=True, plain=plain)


def _file_names() -> list[str]:
    with suppress(OSError):  # the folder may have gone
        return sorted(path.name for path in Path().iterdir() if path.is_file())
    return []


class Interaction:
    """Takes lines from a person: questions, and commands that begin with a slash.

    Args:
        talk: the conversation.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._conversation = talk.conversation

    async def run(self) -> None:
        """Take line after line."""
        self._talk.show_last()
        while True:
            line = await self._talk.screen.ask("you> ")
            if line is None or line.strip() in ("/quit", "/exit"):
                break
            if line.startswith("/"):
                await self._command(*line.strip().split(maxsplit=1))
            elif line.strip():
                await self._talk.question(line.strip())
        if self._talk.record.on and self._talk.record.conversation_id is not None:
            report_aside(
                f"saved; to continue: llmring chats continue {self._talk.record.conversation_id[:8]}"
            )

    async def _command(self, name: str, argument: str = "") -> None:
        try:
            if name == "/model":
                self._choose(argument)
            elif name == "/system":
                self._instruct(argument)
            elif name == "/attach" and argument:
                self._attach(argument)
            elif name == "/save" and argument:
                await self._save(_path(argument))
            elif name == "/retry":
                await self._talk.retry()
            elif name == "/tools":
                self._list_tools()
            elif name == "/cost":
                self._talk.report_cost()
            else:
                _help(name)
        except (LLMRingError, OSError) as error:
            report(f"error: {error}")

    def _choose(self, name: str) -> None:
        conversation = self._conversation
        chosen = name or conversation.model or "default"
        answering = conversation.ring.resolve_alias(chosen, conversation.profile)
        conversation.model = chosen
        report(f"{answering} answers")

    def _instruct(self, text: str) -> None:
        if text:
            self._conversation.instruct(text)
            report("the instructions are replaced")
            return
        found = [text_of(each) for each in self._conversation.messages if each.role == "system"]
        report("\n".join(found) if found else "there are no instructions")

    def _attach(self, name: str) -> None:
        try:
            with ending_at_once():  # a pipe may never end
                self._talk.attach(name)
        except KeyboardInterrupt:
            report("nothing was attached")

    async def _save(self, path: Path) -> None:
        if _is_there(path) and not await confirm(self._talk.screen, f"{path} exists; replace it?"):
            report("nothing was written")
            return
        about = described(self._conversation, self._talk.record.conversation_id)
        text = exported(about, self._conversation.messages, path.suffix.removeprefix(".").lower())
        write_output(path, text.encode(), private=True)
        report(f"wrote {path}")

    def _list_tools(self) -> None:
        if not self._talk.tools:
            report(
                "the model may call nothing; to change that: llmring chat --tool module:function, or --mcp"
            )
        for tool in self._talk.tools:
            report(f"{tool.name}: {first_line(tool.description)}")


def _help(name: str) -> None:
    if name != "/help":
        usage = next((usage for usage in COMMANDS if usage.startswith(f"{name} ")), None)
        near = nearest(name, (each.partition(" ")[0] for each in COMMANDS), most=1, likeness=_LIKE_A_COMMAND)
        hint = did_you_mean(near, "to list them: /help")
        report(f"usage: {usage}" if usage else f"there is no command {one_line(name)}{hint}")
        return
    for usage, meaning in COMMANDS.items():
        report_text(fill(f"  {usage:18}{meaning}", screen_width(), subsequent_indent=" " * 20))
    report_text(fill(_KEYS, screen_width()))


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _is_there(path: Path) -> bool:
    return path.exists()
