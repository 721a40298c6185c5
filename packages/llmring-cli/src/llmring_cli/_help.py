"""How help looks: framed on a terminal, plain text elsewhere, and wrapped to the width that there is."""

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter
    from rich.console import Console, ConsoleOptions


class HelpFormatter:
    """Chooses cyclopts' formatter by where the help goes. They are loaded only to show help."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        _formatter(console)(console, options, panel)

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        _formatter(console).render_usage(console, options, usage)

    def render_description(self, console: "Console", options: "ConsoleOptions", description: Any) -> None:
        _formatter(console).render_description(console, options, description)


def long_help(function: object) -> str:
    """Return what a command's docstring says before its arguments: paragraphs on one line each, examples as they are."""
    description = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0]
    blocks = (
        block if block.startswith("$ ") else " ".join(block.split()) for block in description.split("\n\n")
    )
    return "\n\n".join(blocks)


def _formatter(console: "Console") -> "DefaultFormatter | PlainFormatter":
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter  # noqa: PLC0415

    return DefaultFormatter() if console.is_terminal else PlainFormatter()
