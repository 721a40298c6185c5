"""What Tab completes in a session: commands, and the names that some of them take."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from llmring_types.exceptions import LLMRingError
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from llmring_cli._complete import known_models, own_aliases
from llmring_cli.advisor.session import kept_sessions

Names = Callable[[], Iterable[str]]


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
