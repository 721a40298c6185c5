"""The directive ``commands``: a section for each command, with the help that the command itself prints."""

import contextlib
import io
import os

from docutils import nodes
from docutils.parsers.rst import Directive
from llmring_cli import run
from llmring_cli._commands import COMMANDS, GROUPS
from sphinx.application import Sphinx

WIDTH = "96"


class Commands(Directive):
    """Sections of all commands, groups after the commands of the top level."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        lines = [(command.name, command.summary) for command in COMMANDS if not command.name.startswith("-")]
        for group, (_, commands) in GROUPS.items():
            lines += [(f"{group} {command.name}", command.summary) for command in commands]
        return [_section(words, summary) for words, summary in lines]


def _section(words: str, summary: str) -> nodes.section:
    section = nodes.section(ids=[nodes.make_id(words)], names=[nodes.fully_normalize_name(words)])
    section += nodes.title(text=words)
    section += nodes.paragraph(text=summary)
    section += nodes.literal_block(text=_help(words), language="text")
    return section


def _help(words: str) -> str:
    os.environ["COLUMNS"] = WIDTH
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        run([*words.split(), "--help"])
    return printed.getvalue().rstrip()


def setup(app: Sphinx) -> dict[str, object]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
