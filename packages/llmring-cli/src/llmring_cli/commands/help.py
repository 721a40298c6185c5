"""``llmring help``: topics, and the help of commands."""

from typing import Annotated

from cyclopts import Parameter

from llmring_cli._help import overview, topic, topics
from llmring_cli._mistakes import command_names, meant
from llmring_cli._output import WRONG_USAGE, CommandError, print_text


def help_(words: Annotated[list[str] | None, Parameter(negative=())] = None, /) -> int:
    """Explain a topic, or a command.

    A topic is a text that fits a screen: what there is, examples, and the page that says more.

    $ llmring help
    $ llmring help aliases
    $ llmring help lock upgrade

    Args:
        words: A topic, or a command. Without one, the overview is printed.

    Returns:
        The exit code.
    """
    words = words or []
    if not words:
        print_text(overview())
        return 0
    text = topic(words[0]) if len(words) == 1 else None
    if text is not None:
        print_text(text.rstrip())
        return 0
    name = " ".join(words)
    if name not in command_names():
        hint = meant(name, [*topics(), *command_names()], "to list them: llmring help")
        raise CommandError(f"no topic or command {name}{hint}", exit_code=WRONG_USAGE)
    from llmring_cli._app import dispatch  # noqa: PLC0415 - it imports the commands

    return dispatch([*words, "--help"])
