"""A session on a terminal: editing, history and completion by prompt_toolkit, Markdown and colours by rich."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill

from llmring_types.exceptions import LLMRingError
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from rich.console import Console
from rich.syntax import Syntax

from llmring_cli._files import open_private, state_folder
from llmring_cli._output import printable, report, screen_width
from llmring_cli._parameters import known_models, own_aliases
from llmring_cli.chat.answer import plain_writer
from llmring_cli.chat.markdown import MarkdownStream

Names = Callable[[], Iterable[str]]


class TerminalScreen:
    """A person at a terminal.

    Args:
        completer: of what Tab completes.
        topic: whose input is in the history, as a name in the state folder; ``None`` keeps it for this session alone.
        lines: Alt-Enter, or a backslash before Enter, begins another line of the same input.
        plain: show answers as they are written, without rendering Markdown.
    """

    interactive = True

    def __init__(
        self, completer: Completer, *, topic: str | None, lines: bool = False, plain: bool = False
    ) -> None:
        self._console = Console()
        self._plain = plain
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory() if topic is None else _history(topic),
            completer=completer,
            multiline=lines,
            prompt_continuation="… ",
            key_bindings=_several_lines() if lines else None,
        )

    async def ask(self, prompt: str) -> str | None:
        try:
            return await self._session.prompt_async([("bold", _wrapped(printable(prompt), screen_width()))])
        except KeyboardInterrupt:  # as in a shell: the line is dropped, the session continues
            if not self._session.default_buffer.text:
                report("to leave: Ctrl-D")
            return ""
        except EOFError:
            return None

    @contextmanager
    def writer(self) -> Iterator[Callable[[str], None]]:
        if self._plain:
            with plain_writer() as write:
                yield write
            return
        with MarkdownStream(self._console) as stream:
            yield stream.write
        self._console.print()

    def diff(self, text: str) -> None:
        text = printable(text)
        if self._console.no_color or self._console.color_system is None:
            self._console.print(text.rstrip(), markup=False, highlight=False)
        else:
            self._console.print(Syntax(text.rstrip(), "diff", background_color="default", word_wrap=True))


def _wrapped(prompt: str, width: int) -> str:
    """Break the lines of a question between words; the last one is where the answer is typed."""
    *lines, last = prompt.split("\n")
    return "\n".join([*(fill(line, width, subsequent_indent="  ") for line in lines), last])


def _several_lines() -> KeyBindings:
    """Let Enter send the input, and Alt-Enter, or Enter after a backslash, begin another line.

    Ctrl-J is Enter: a terminal sends it for what was typed while nobody was reading.
    """
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.newline()
        else:
            buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline()

    return bindings


def _history(topic: str) -> History:
    """The input of earlier sessions; only of this one if no file can be written."""
    try:
        path = state_folder(topic) / "history"
        open_private(path)
    except OSError as error:
        report(f"warning: the input history cannot be saved: {error}")
        return InMemoryHistory()
    return FileHistory(str(path))


class CommandCompleter(Completer):
    """Completes the command at the beginning of a line, and its argument.

    Args:
        commands: each with a slash.
        arguments: the names that a command takes.
    """

    def __init__(self, commands: Sequence[str], arguments: Mapping[str, Names]) -> None:
        self._commands = commands
        self._arguments = arguments

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - prompt_toolkit's signature
    ) -> Iterator[Completion]:
        command, space, argument = document.text_before_cursor.partition(" ")
        typed = argument if space else command
        if not typed and not space:
            return
        names: Iterable[str] = self._commands
        if space:
            names = self._arguments[command]() if command in self._arguments else ()
        for name in names:
            if name.startswith(typed):
                yield Completion(name, -len(typed))


def model_names() -> list[str]:
    """Return the aliases of the lockfile here, then the models that the registry lists."""
    try:
        aliases = list(own_aliases())
    except LLMRingError:  # the session may be about mending it
        aliases = []
    return [*aliases, *known_models()]
