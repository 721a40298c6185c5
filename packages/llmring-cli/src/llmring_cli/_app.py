"""The command tree with its help, and its runner. A command's module is imported only when the command runs."""

import gc
import inspect
import io
import os
import sys
from collections.abc import Callable, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, TextIO

from cyclopts import App, CycloptsError

from llmring_cli._commands import COMMANDS, GROUPS, Command
from llmring_cli._environment import dotenv, forget_hosts, register_own_hosts
from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli._run import version_text

if TYPE_CHECKING:
    from cyclopts.argument import Argument
    from cyclopts.help import HelpPanel
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter
    from rich.console import Console, ConsoleOptions

_ENDLESS = 100_000
"""Width of a console that never wraps."""


def build_app() -> App:
    """Return the command tree."""
    app = App(
        name="llmring",
        version=version_text,
        version_flags=("--version", "-V"),
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    app["--help"].help = "Show this help."
    app["--version"].help = "Show the version."
    _add(app, COMMANDS)
    for words in GROUPS:
        above = words.split()[:-1]
        if not any(command.name in above for command in COMMANDS):  # those are added by their commands
            reduce(getitem, above, app).command(_group(words))
    return app


def _group(words: str) -> App:
    summary, commands = GROUPS[words]
    more = f"Options and examples: llmring {words} COMMAND --help"
    group = App(name=words.rsplit(maxsplit=1)[-1], help=summary, help_epilogue=more)
    _add(group, commands)
    return group


def command_with_group(function: Callable[..., object], words: str) -> App:
    """Return a command that has further ones below it: ``llmring serve`` and ``llmring serve key create``.

    Args:
        function: does the command.
        words: the group, as :data:`GROUPS` names it.
    """
    app = App(name=words.split(maxsplit=1)[0], help_epilogue="")
    app.default(function)
    app.command(_group(words))
    return app


def _add(app: App, commands: Sequence[Command]) -> None:
    for name, place, summary in commands:
        own: dict[str, Any] = {} if place.rpartition(":")[2].isupper() else {"help_epilogue": ""}
        app.command(f"llmring_cli.commands.{place}", name=name, help=summary, **own)


def dispatch(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Raises:
        CommandError: the command line is wrong.
    """
    if not os.environ.get("COLUMNS", "1").strip("0"):
        del os.environ["COLUMNS"]  # others take 0 for unknown, rich for a screen without room
    try:
        return _dispatch(build_app(), with_command(arguments))
    except CycloptsError as error:
        from llmring_cli._mistakes import usage_text  # noqa: PLC0415 - most command lines are right

        raise CommandError(usage_text(error), exit_code=WRONG_USAGE) from error


def with_command(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the command after ``sim … --`` as one: its words are no arguments of ours."""
    if arguments[:1] != ["sim"] or "--" not in arguments:
        return list(arguments)
    from shlex import join  # noqa: PLC0415 - for this alone

    place = arguments.index("--")
    return [*arguments[:place], "--run", join(arguments[place + 1 :])]


def _dispatch(app: App, arguments: list[str]) -> int:
    if arguments in ([], ["--help"], ["-h"]):
        return _show_overview(sys.stdout if arguments else sys.stderr)
    _, apps, rest = app.parse_commands(arguments)
    if apps[-1].default_command is None and not rest:
        app.help_print(arguments, console=app.error_console)
        return WRONG_USAGE
    for command in apps:
        if getattr(command.default_command, "__module__", "").startswith("llmring_cli."):
            command.help = long_help(command.default_command)  # more than its line in the list
    if arguments[-1] == "-h":
        words, apps, _ = app.parse_commands(arguments[:-1])
        if apps[-1].default_command is not None:
            return _show_first_screen(words, apps[-1])
    # Switched off while modules were loaded. What was loaded stays, so no collection need look at it.
    gc.freeze()
    gc.enable()
    if arguments[:1] == ["trust"]:  # it reads the file by itself, before anybody has approved it
        return _run(app, arguments)
    if arguments[:2] not in (["hosts", "add"], ["hosts", "rm"]):  # they can mend what is broken in the file
        register_own_hosts()
    with dotenv(Path(), verbose="--verbose" in arguments or "-v" in arguments):
        return _run(app, arguments)


def _show_first_screen(words: Sequence[str], command: App) -> int:
    from llmring_cli._help import first_screen  # noqa: PLC0415 - for this alone

    taken = [_names(each) for each in command.assemble_argument_collection() if each.show]
    print(first_screen(" ".join(words), str(command.help), taken))
    return 0


def _names(argument: "Argument") -> list[str]:
    """Return the names of an argument; one that may come by its place is first called so, as in the whole help."""
    by_place = [] if argument.index is None else [argument.names[0].removeprefix("--").upper()]
    return list(dict.fromkeys([*by_place, *argument.names]))


def _show_overview(target: TextIO) -> int:
    from llmring_cli._help import overview  # noqa: PLC0415 - for this alone

    print(overview(), file=target)
    return 0 if target is sys.stdout else WRONG_USAGE


def _run(app: App, arguments: list[str]) -> int:
    try:
        result = app(arguments)
    finally:
        forget_hosts()
    return result if isinstance(result, int) else 0


class HelpFormatter:
    """Chooses cyclopts' formatter by where the help goes. They are loaded only to show help."""

    def __call__(self, console: "Console", options: "ConsoleOptions", panel: "HelpPanel") -> None:
        _render(console, lambda formatter, target: formatter(target, options, panel))

    def render_usage(self, console: "Console", options: "ConsoleOptions", usage: Any) -> None:
        _render(console, lambda formatter, target: formatter.render_usage(target, options, usage))

    def render_description(self, console: "Console", options: "ConsoleOptions", description: Any) -> None:
        _render(console, lambda formatter, target: formatter.render_description(target, options, description))


def long_help(function: object) -> str:
    """Return a command's docstring up to its arguments: its first sentence, the examples, then the paragraphs."""
    first, *blocks = (inspect.getdoc(function) or "").partition("\n\nArgs:")[0].split("\n\n")
    examples = [block for block in blocks if block.startswith("$ ")]
    more = [" ".join(block.split()) for block in blocks if not block.startswith("$ ")]
    return "\n\n".join([" ".join(first.split()), *examples, *more])


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
