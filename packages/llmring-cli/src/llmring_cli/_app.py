"""The command tree. A command's module is imported only when the command runs.

Exit codes: 0 done; 1 it could not be done, the reason is on stderr; 2 the command line is wrong; 130 interrupted.
Commands that answer a question for scripts say in their help what else they return.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App

FAILED = 1
INTERRUPTED = 130

_COMMANDS = (
    ("bind", "aliases:bind", "Bind an alias to a model, or to a pool of models."),
    ("unbind", "aliases:unbind", "Remove an alias."),
    ("aliases", "aliases:aliases", "List the aliases of a profile."),
    ("chat", "chat:chat", "Send a message to an alias or a model."),
    ("list", "models:list_models", "List the models that are known."),
    ("info", "models:info", "Show what is known of a model or an alias."),
    ("providers", "providers:providers", "List the providers, and what each still needs."),
)
_LOCK_COMMANDS = (
    ("init", "lock:init", "Write a new lockfile."),
    ("validate", "lock:validate", "Check every model of every pool."),
)


def build_app() -> App:
    """Return the command tree."""
    app = App(
        name="llmring",
        help="Aliases for language models: bind them, list them, check them, talk to them.",
        version=lambda: version("llmring-cli"),
        help_format="plaintext",
        result_action="return_value",
    )
    _add(app, _COMMANDS)
    lock = App(name="lock", help="Write and check the lockfile.")
    _add(lock, _LOCK_COMMANDS)
    app.command(lock)
    return app


def _add(app: App, commands: Sequence[tuple[str, str, str]]) -> None:
    for name, place, text in commands:
        app.command(f"llmring_cli.commands.{place}", name=name, help=text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    from llmring_types.exceptions import LLMRingError  # noqa: PLC0415 - --help needs none of it

    from llmring_cli._environment import load_dotenv  # noqa: PLC0415

    load_dotenv()
    try:
        result = build_app()(list(arguments))
    except LLMRingError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; keep the interpreter from failing on it again while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return result if isinstance(result, int) else 0
