"""The command tree with its help, and its runner. A command's module is imported only when the command runs."""

import gc
import inspect
import io
import os
from collections.abc import Callable, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from cyclopts import App, CycloptsError

from llmring_cli._environment import dotenv, forget_hosts, register_own_hosts
from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli._run import version_text

if TYPE_CHECKING:
    from cyclopts.help import HelpPanel
    from cyclopts.help.formatters import DefaultFormatter, PlainFormatter
    from rich.console import Console, ConsoleOptions

_HELP = """\
Manage aliases for language models, and chat with the models.

$ llmring chat "Hello"
$ llmring lock init
$ llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini
"""
_EXIT_CODES = """\
Options and examples: llmring COMMAND --help

Exit codes: 0 success; 1 failure, explained on standard error; 2 wrong command line; 3 registry or usage server unreachable; 130 interrupted.
Data goes to standard output, messages go to standard error. A .env file in the working directory is read.
"""
_ENDLESS = 100_000
"""Width of a console that never wraps."""


class Command(NamedTuple):
    """A command: its name, the function in ``llmring_cli.commands`` that does it, and its line in the list."""

    name: str
    place: str
    summary: str


COMMANDS = (
    Command("--install-completion", "completion:install", "Install completion for the shell."),
    Command("aliases", "aliases:aliases", "List the aliases of a profile."),
    Command("bind", "aliases:bind", "Bind an alias to a model, or to a pool of models."),
    Command("chat", "chat:chat", "Send a message and print the answer."),
    Command("doctor", "doctor:doctor", "Show what is configured here and what is missing."),
    Command("embed", "embed:embed", "Print the embeddings of texts as JSON lines."),
    Command("export", "usage:export", "Write the rows of the local usage log for other tools."),
    Command("hosts", "hosts:hosts", "List every host that llmring knows, and whether its key is set here."),
    Command("info", "models:info", "Show the known facts about a model or an alias."),
    Command("list", "models:list_models", "List the known models."),
    Command("providers", "models:providers", "List the providers in use, and the settings they lack."),
    Command("serve", "serve:SERVE", "Serve the aliases to programs that speak a provider's protocol."),
    Command("sim", "sim:sim", "Run a simulated provider until interrupted."),
    Command("stats", "usage:stats", "Summarize the usage and cost of calls."),
    Command("trust", "trust:trust", "Approve the addresses in a .env file or a lockfile."),
    Command("unbind", "aliases:unbind", "Remove an alias."),
)
GROUPS = {
    "cache": (
        "Show and clear the local copy of the registry.",
        (
            Command("clear", "cache:clear", "Delete the cached registry documents."),
            Command("info", "cache:info", "List the cached registry documents."),
        ),
    ),
    "files": (
        "List and delete the files that providers keep.",
        (
            Command("list", "files:list_files", "List the files that providers keep for your keys."),
            Command("rm", "files:remove", "Delete files that providers keep."),
        ),
    ),
    "keys": (
        "Keep API keys in the user configuration.",
        (
            Command("list", "keys:list_keys", "List the providers whose keys are kept."),
            Command("path", "keys:path", "Print the path of the file that holds the keys."),
            Command("remove", "keys:remove", "Remove the kept key of a provider."),
            Command("set", "keys:set_key", "Keep the API key of a provider."),
        ),
    ),
    "mcp": (
        "Serve tools to MCP clients.",
        (Command("lockfile", "mcp:lockfile", "Serve the lockfile tools to an MCP client."),),
    ),
    "registry": (
        "Update the known facts about models.",
        (Command("refresh", "cache:refresh", "Fetch the current facts about models from the registry."),),
    ),
    "serve key": (
        "Make and revoke keys for llmring serve.",
        (
            Command("create", "serve:create", "Create a key with its limits, and print it."),
            Command("list", "serve:list_keys", "List the keys with their limits and what they have spent."),
            Command("revoke", "serve:revoke", "Refuse a key from now on."),
        ),
    ),
    "server": (
        "Set up and query a usage server.",
        (
            Command(
                "conversations",
                "server.conversations:conversations",
                "List the conversations stored on the usage server.",
            ),
            Command("init", "server.setup:init", "Set up a usage server."),
            Command("logs", "server.usage:logs", "List the calls stored on the usage server."),
            Command("stats", "server.usage:stats", "Show the statistics of the usage server."),
            Command("status", "server.setup:status", "Show the configured usage server and its state."),
        ),
    ),
    "server key": (
        "Create and rotate keys for a usage server.",
        (
            Command("create", "server.setup:create", "Create a new key."),
            Command("list", "server.setup:list_keys", "List the keys on this machine."),
            Command("rotate", "server.setup:rotate", "Replace the key in the env file with a new one."),
        ),
    ),
    "lock": (
        "Write and check the lockfile.",
        (
            Command(
                "audit",
                "lock.review:audit",
                "Find what has got worse since the models were locked.",
            ),
            Command(
                "bump-registry",
                "lock.update:bump_registry",
                "Pin each profile to the current registry versions.",
            ),
            Command("chat", "lock.chat:chat", "Edit the lockfile in a conversation with an advisor."),
            Command("check", "lock.check:check", "Check the lockfile and what it extends, offline."),
            Command("diff", "lock.diff:diff", "Show what changed in the lockfile, in terms of models."),
            Command("explain", "lock.check:explain", "Explain how a name resolves to models."),
            Command("init", "lock.init:init", "Write a new lockfile with a first set of aliases."),
            Command("migrate", "lock.init:migrate", "Rewrite bindings from before format 1.0."),
            Command("scan", "lock.code:scan", "Compare the aliases in Python code with the lockfile."),
            Command("stubs", "lock.code:stubs", "Write the aliases as a Python type."),
            Command("suggest", "lock.suggest:suggest", "Suggest models that meet requirements."),
            Command(
                "update", "lock.update:update", "Record the current facts about the models in the lockfile."
            ),
            Command("upgrade", "lock.update:upgrade", "Propose successors for outdated models."),
            Command(
                "validate", "lock.review:validate", "Check every model of every pool against the registry."
            ),
        ),
    ),
}


def build_app() -> App:
    """Return the command tree."""
    app = App(
        name="llmring",
        help=_HELP,
        help_epilogue=_EXIT_CODES,
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
        return _dispatch(build_app(), list(arguments))
    except CycloptsError as error:
        from llmring_cli._mistakes import usage_text  # noqa: PLC0415 - most command lines are right

        raise CommandError(usage_text(error), exit_code=WRONG_USAGE) from error


def _dispatch(app: App, arguments: list[str]) -> int:
    _, apps, rest = app.parse_commands(arguments)
    if apps[-1].default_command is None and not rest:
        app.help_print(arguments, console=app.error_console)
        return WRONG_USAGE
    for command in apps:
        if getattr(command.default_command, "__module__", "").startswith("llmring_cli."):
            command.help = long_help(command.default_command)  # more than its line in the list
    # Switched off while modules were loaded. What was loaded stays, so no collection need look at it.
    gc.freeze()
    gc.enable()
    if arguments[:1] == ["trust"]:  # it reads the file by itself, before anybody has approved it
        return _run(app, arguments)
    if arguments[:2] not in (["hosts", "add"], ["hosts", "rm"]):  # they can mend what is broken in the file
        register_own_hosts()
    with dotenv(Path(), verbose="--verbose" in arguments or "-v" in arguments):
        return _run(app, arguments)


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
