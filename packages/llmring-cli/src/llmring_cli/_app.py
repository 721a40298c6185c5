"""The command tree and its runner. A command's module is imported only when the command runs."""

import gc
import os
from collections.abc import Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import NamedTuple

from cyclopts import App, CycloptsError

from llmring_cli._environment import dotenv
from llmring_cli._failure import WRONG_USAGE, CommandError
from llmring_cli._help import HelpFormatter, long_help
from llmring_cli._run import version_text

_HELP = """\
Aliases for language models: bind them, list them, check them, talk to them.

$ llmring chat "Hello"
$ llmring lock init
$ llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini
"""
_EXIT_CODES = """\
Options and examples: llmring COMMAND --help

Exit codes: 0 done; 1 it could not be done, and standard error says why; 2 the command line is wrong; 3 the registry or the usage server cannot be reached; 130 interrupted.
What a command answers goes to standard output, everything else to standard error. A .env file here is read.
"""


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
    Command("doctor", "doctor:doctor", "Tell what is set up here, and what is not."),
    Command("export", "usage:export", "Write the rows of the local usage log for other tools."),
    Command("info", "models:info", "Show what is known of a model or an alias."),
    Command("list", "models:list_models", "List the models that are known."),
    Command("providers", "providers:providers", "List the providers, and what each still needs."),
    Command("sim", "sim:sim", "Run a simulated provider until interrupted."),
    Command("stats", "usage:stats", "Sum up what calls used and cost."),
    Command("trust", "trust:trust", "Approve the addresses and settings in a .env file."),
    Command("unbind", "aliases:unbind", "Remove an alias."),
)
GROUPS = {
    "cache": (
        "Show and clear what is kept of the registry on this machine.",
        (
            Command("clear", "cache:clear", "Delete the registry documents kept here."),
            Command("info", "cache:info", "List the registry documents kept here."),
        ),
    ),
    "mcp": (
        "Serve tools to MCP clients.",
        (Command("lockfile", "mcp:lockfile", "Serve the lockfile tools to an MCP client."),),
    ),
    "registry": (
        "Bring up to date what is known of models.",
        (Command("refresh", "cache:refresh", "Fetch what the registry says of models now."),),
    ),
    "server": (
        "Set up and ask a usage server.",
        (
            Command(
                "conversations",
                "server.conversations:conversations",
                "List conversations that the usage server has stored.",
            ),
            Command("init", "server.setup:init", "Set up a usage server."),
            Command("logs", "server.logs:logs", "List calls that the usage server has stored."),
            Command("stats", "server.stats:stats", "Show what the usage server has summed up."),
            Command("status", "server.setup:status", "Tell which usage server is set up."),
        ),
    ),
    "server key": (
        "Make and replace keys for a usage server.",
        (
            Command("create", "server.key:create", "Make a new key."),
            Command("list", "server.key:list_keys", "List the keys on this machine."),
            Command("rotate", "server.key:rotate", "Replace the key of the env file by a new one."),
        ),
    ),
    "lock": (
        "Write and check the lockfile.",
        (
            Command(
                "audit",
                "lock.review:audit",
                "Find what has changed for the worse since the models were locked.",
            ),
            Command(
                "bump-registry",
                "lock.update:bump_registry",
                "Pin each profile to the current registry versions.",
            ),
            Command("chat", "lock.chat:chat", "Talk with an advisor about the lockfile."),
            Command("check", "lock.check:check", "Check the lockfile and what it extends, offline."),
            Command("diff", "lock.diff:diff", "Tell what changed in the lockfile, in terms of models."),
            Command("explain", "lock.check:explain", "Tell what a name stands for, and why."),
            Command("init", "lock.init:init", "Write a new lockfile with aliases to begin with."),
            Command("scan", "lock.code:scan", "Compare the aliases in Python code with those bound."),
            Command("stubs", "lock.code:stubs", "Write the aliases as a Python type."),
            Command("suggest", "lock.suggest:suggest", "Suggest models for what is needed."),
            Command("update", "lock.update:update", "Lock the models: record what is true of them now."),
            Command("upgrade", "lock.upgrade:upgrade", "Propose successors for models that should go."),
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
    for words, (summary, commands) in GROUPS.items():
        *above, name = words.split()
        more = f"Options and examples: llmring {words} COMMAND --help"
        group = App(name=name, help=summary, help_epilogue=more)
        _add(group, commands)
        reduce(getitem, above, app).command(group)
    return app


def _add(app: App, commands: Sequence[Command]) -> None:
    for name, place, summary in commands:
        app.command(f"llmring_cli.commands.{place}", name=name, help=summary, help_epilogue="")


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
    with dotenv(Path(), verbose="--verbose" in arguments or "-v" in arguments):
        return _run(app, arguments)


def _run(app: App, arguments: list[str]) -> int:
    result = app(arguments)
    return result if isinstance(result, int) else 0
