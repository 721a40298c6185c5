"""A session on a terminal: editing, history and completion by prompt_toolkit, Markdown and colours by rich."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import fill

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from rich.console import Console
from rich.syntax import Syntax

from llmring_cli._files import open_private, state_folder
from llmring_cli._output import printable, report, screen_width
from llmring_cli.chat.markdown import MarkdownStream


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
            return ""  # as in a shell: the line is forgotten, the session goes on
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
    """What was typed in earlier sessions; only of this one where no file can be kept."""
    try:
        path = state_folder("advisor") / "history"
        open_private(path)
    except OSError as error:
        report(f"warning: what is typed cannot be kept: {error}")
        return InMemoryHistory()
    return FileHistory(str(path))
