"""A session on a terminal: editing, history and completion by prompt_toolkit, Markdown and colours by rich."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import fill

from llmring_types.exceptions import LLMRingError
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from rich.console import Console
from rich.syntax import Syntax

from llmring_cli._files import open_private, state_folder
from llmring_cli._output import printable, report, screen_width
from llmring_cli._parameters import known_models, own_aliases
from llmring_cli.advisor.session import kept_sessions
from llmring_cli.chat.markdown import MarkdownStream

Names = Callable[[], Iterable[str]]


class TerminalScreen:
    """A person at a terminal.

    Args:
        completer: of what Tab completes.
    """

    interactive = True

    def __init__(self, completer: Completer) -> None:
        self._console = Console()
        self._session: PromptSession[str] = PromptSession(
            history=_history(),
            completer=completer,
        )

    async def ask(self, prompt: str) -> str | None:
        try:
            return await self._session.prompt_async([("bold", _wrapped(printable(prompt), screen_width()))])
        except KeyboardInterrupt:
            return ""  # as in a shell: the line is dropped, the session continues
        except EOFError:
            return None

    @contextmanager
    def writer(self) -> Iterator[Callable[[str], None]]:
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


def _history() -> History:
    """The input of earlier sessions; only of this one if no file can be written."""
    try:
        path = state_folder("advisor") / "history"
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


def session_names() -> list[str]:
    """Return the sessions that were kept, the latest first."""
    return [session.name for session in kept_sessions()]
