"""Formatting of help: framed on a terminal, plain text elsewhere, wrapped to the available width."""

import inspect
import io
from collections.abc import Callable
from textwrap import wrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter
    from rich.console import Console, ConsoleOptions

_ENDLESS = 100_000
"""Width of a console that never wraps."""


class HelpFormatter:
    """Chooses cyclopts' formatter by where the help goes. They are loaded only to show help."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        _render(console, lambda formatter, target: formatter(target, options, panel))

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        _render(console, lambda formatter, target: formatter.render_usage(target, options, usage))

    def render_description(self, console: "Console", options: "ConsoleOptions", description: Any) -> None:
        _render(console, lambda formatter, target: formatter.render_description(target, options, description))


def long_help(function: object) -> str:
    """Return a command's docstring up to its arguments: paragraphs on one line each, examples as they are."""
    description = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
    blocks = (
        block if block.startswith("$ ") else " ".join(block.split()) for block in description.split("\n\n")
    )
    return "\n\n".join(blocks)


def _render(
    console: "Console", render: Callable[["DefaultFormatter | PlainFormatter", "Console"], None]
) -> None:
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter  # noqa: PLC0415

    if console.is_terminal:
        render(DefaultFormatter(), console)
        return
    from rich.console import Console as RichConsole  # noqa: PLC0415

    from llmring_cli._output import screen_width  # noqa: PLC0415

    # The plain formatter leaves wrapping to the console, which knows of no indentation.
    whole = io.StringIO()
    render(PlainFormatter(), RichConsole(file=whole, width=_ENDLESS))
    for line in whole.getvalue().splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        for part in wrap(line, screen_width(), subsequent_indent=indent and indent + "    ") or [""]:
            console.out(part, highlight=False)
