"""Help that fits a screen: of the whole command, of one by ``-h``, and the topics of ``llmring help``."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from llmring_cli._output import screen_width

TOPICS = Path(__file__).parent / "topics"
"""A text of at most a screen for each topic."""
_EXAMPLES = """\
$ llmring chat "Hello"
$ llmring lock init
$ llmring bind summarizer anthropic:claude-haiku-4-5,openai:gpt-5-mini
"""


class Panel(NamedTuple):
    """A name, and the commands and groups that belong to it, with at most 23 letters on each."""

    name: str
    commands: Sequence[tuple[str, str]]


PANELS = (
    Panel(
        "Talk",
        (
            ("chat", "ask a model"),
            ("chats", "saved conversations"),
            ("embed", "embeddings of texts"),
            ("batch", "files, row by row"),
            ("files", "files kept by providers"),
        ),
    ),
    Panel(
        "Models",
        (
            ("list", "find models"),
            ("info", "facts of a model"),
            ("providers", "providers in use"),
            ("hosts", "every known host"),
            ("keys", "keep API keys"),
            ("doctor", "what is missing here"),
            ("registry", "renew the known facts"),
            ("cache", "fetched facts"),
            ("scan-models", "model names in code"),
        ),
    ),
    Panel(
        "Lock",
        (
            ("bind", "an alias to a pool"),
            ("unbind", "remove an alias"),
            ("aliases", "list them"),
            ("lock", "check, audit, upgrade"),
            ("trust", "approve a folder"),
        ),
    ),
    Panel(
        "Usage",
        (("stats", "tokens, dollars, times"), ("export", "its rows, for tables"), ("ui", "as a page")),
    ),
    Panel(
        "Servers",
        (
            ("serve", "the aliases as a host"),
            ("sim", "a simulated provider"),
            ("mcp", "the lockfile's tools"),
            ("server", "a usage server"),
        ),
    ),
)
_NAME, _CELL, _LABEL = 11, 36, 8
_SCREEN = 24
"""Lines of a terminal, unless somebody has made it larger."""


def overview() -> str:
    """Return the help of ``llmring``: examples, commands by panel, and where there is more."""
    lines = ["Usage: llmring COMMAND", "", *_EXAMPLES.splitlines(), ""]
    columns = 2 if screen_width() >= _LABEL + 2 * _CELL else 1
    for panel in PANELS:
        lines += _rows(panel, columns)
    lines += [
        "",
        *_folded("llmring COMMAND -h|--help has options and examples; llmring help TOPIC explains:"),
    ]
    return "\n".join([*lines, *_folded(", ".join(topics()))])


def first_screen(command: str, text: str, names: Iterable[Sequence[str]]) -> str:
    """Return the help of one command on a screen: its first sentence, examples, and all that it takes by name.

    Args:
        command: its words.
        text: its help: the first sentence, the examples, then the rest.
        names: of each argument and option, the usual one first.
    """
    first, _, rest = text.partition("\n\n")
    examples = rest.partition("\n\n")[0].splitlines() if rest.startswith("$ ") else []
    options = [f"{usual} ({', '.join(short)})" if short else usual for usual, *short in names]
    head = [*_folded(f"Usage: llmring {command} [OPTIONS] [ARGS]"), "", *_folded(first), ""]
    tail = [
        "",
        *_folded(f"It takes {', '.join(options)}."),
        "",
        *_folded(f"llmring {command} --help explains them."),
    ]
    room = _SCREEN - len(head) - len(tail)
    return "\n".join([*head, *[line for example in examples for line in _folded(example)][:room], *tail])


def _rows(panel: Panel, columns: int) -> Iterator[str]:
    cells = [f"{name:{_NAME}} {brief}" for name, brief in panel.commands]
    for start in range(0, len(cells), columns):
        label = "" if start else panel.name
        row = "".join(f"{cell:{_CELL}}" for cell in cells[start : start + columns])
        yield f"{label:{_LABEL}}{row}".rstrip()


def _folded(text: str) -> list[str]:
    from textwrap import wrap  # noqa: PLC0415 - for help alone

    return wrap(text, screen_width(), break_on_hyphens=False)


def topics() -> list[str]:
    """Return the names of the topics, sorted."""
    return sorted(path.stem for path in TOPICS.glob("*.txt"))


def topic(name: str) -> str | None:
    """Return the text of a topic, or ``None`` where there is none of this name."""
    return (TOPICS / f"{name}.txt").read_text("utf-8") if name in topics() else None
