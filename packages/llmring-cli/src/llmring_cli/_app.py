"""The command tree. A command's module is imported only when the command runs."""

from collections.abc import Sequence
from typing import NamedTuple

from cyclopts import App

from llmring_cli._help import HelpFormatter


class Command(NamedTuple):
    """A command: its name, the function in ``llmring_cli.commands`` that does it, and its line in the list."""

    name: str
    place: str
    summary: str


COMMANDS = (
    Command("aliases", "aliases:aliases", "List the aliases of a profile."),
    Command("bind", "aliases:bind", "Bind an alias to a model, or to a pool of models."),
    Command("chat", "chat:chat", "Send a message and print the answer."),
    Command("info", "models:info", "Show what is known of a model, or of the first model of an alias."),
    Command("list", "models:list_models", "List the models that are known."),
    Command("providers", "providers:providers", "List the providers, and what each still needs."),
    Command("unbind", "aliases:unbind", "Remove an alias."),
)
GROUPS = {
    "lock": (
        "Write and check the lockfile.",
        (
            Command(
                "audit",
                "lock.audit:audit",
                "Compare what is locked with what is true now: retired, retiring, dearer, smaller, less able, unknown.",
            ),
            Command(
                "bump-registry",
                "lock.update:bump_registry",
                "Pin each profile to the registry versions that are current for the providers of its pools.",
            ),
            Command(
                "check",
                "lock.check:check",
                "Check the lockfile and the packages it extends, without asking anybody.",
            ),
            Command(
                "diff",
                "lock.diff:diff",
                "Tell what changed in the lockfile in terms of models: pools, prices per million tokens, limits, capabilities.",
            ),
            Command(
                "explain",
                "lock.explain:explain",
                "Tell what a name stands for, and where each step of the answer comes from.",
            ),
            Command(
                "init",
                "lock.init:init",
                "Write a new lockfile, with aliases for the providers whose keys are set.",
            ),
            Command(
                "scan",
                "lock.code:scan",
                "List the aliases that Python code uses and the lockfile lacks, and those bound that no code names.",
            ),
            Command(
                "stubs",
                "lock.code:stubs",
                "Write the aliases as a Python type, so that a type checker knows a wrong one.",
            ),
            Command(
                "suggest",
                "lock.suggest:suggest",
                "Suggest models for what is needed, best first, each with its reason.",
            ),
            Command(
                "update",
                "lock.update:update",
                "Lock the models of every pool: record their limits, prices and capabilities as they are now.",
            ),
            Command(
                "upgrade",
                "lock.upgrade:upgrade",
                "Propose successors for models that are retired, retiring or superseded, and write them after a yes.",
            ),
            Command(
                "validate", "lock.validate:validate", "Check every model of every pool against the registry."
            ),
        ),
    ),
}
_EXIT_CODES = """\
Exit codes: 0 done; 1 it could not be done, and standard error says why; 2 the command line is wrong; 130 interrupted.
What a command answers goes to standard output, everything else to standard error. A .env file here is read.
"""


def build_app() -> App:
    """Return the command tree."""
    app = App(
        name="llmring",
        help="Aliases for language models: bind them, list them, check them, talk to them.",
        help_epilogue=_EXIT_CODES,
        version=_version,
        help_format="plaintext",
        help_formatter=HelpFormatter(),
        result_action="return_value",
        print_error=False,
        exit_on_error=False,
        suppress_keyboard_interrupt=False,
    )
    _add(app, COMMANDS)
    for name, (summary, commands) in GROUPS.items():
        group = App(name=name, help=summary, help_epilogue="")
        _add(group, commands)
        app.command(group)
    return app


def _add(app: App, commands: Sequence[Command]) -> None:
    for name, place, summary in commands:
        app.command(f"llmring_cli.commands.{place}", name=name, help=summary, help_epilogue="")


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - slow to import

    return version("llmring-cli")
