"""The blocks of code in the skill documents of llmring, which lie beside the repository where it is developed.

They are read where they are and never copied: ``skills/NAME/SKILL.md`` in Markdown, or ``shared/seeds/*.txt``, texts
from which the fences and the indentation are gone.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

BESIDE = Path(__file__).parents[3]
_FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"^(?:\| )?name(?: \||:) (\w[\w-]*)", re.MULTILINE)
_BEGINS = re.compile(
    r"from \w+ import|import |async with |(service|request|response|message) = |# |\w+_API_KEY="
)
_OPENS = re.compile(r"(async with|with|try|for|async for|if|while|def|class)\b.*:$")
_GOES_ON = re.compile(r"(except|finally|else|elif)\b.*:$")
_LONGEST = 45

Language = Literal["python", "bash", "toml"]


class Block(NamedTuple):
    """A block of code; ``document`` and ``number`` name it."""

    document: str
    number: int
    language: Language
    code: str

    def __str__(self) -> str:
        return f"{self.document}-{self.number}"


def blocks() -> Iterator[Block]:
    """Yield the blocks of all documents that are there; of one that is there twice, those in Markdown."""
    seen = set()
    for path in sorted(BESIDE.glob("skills/*/SKILL.md")):
        seen.add(path.parent.name)
        found = _FENCED.findall(path.read_text("utf-8"))
        yield from _numbered(
            path.parent.name, [each for each in found if each[0] in {"python", "bash", "toml"}]
        )
    for path in sorted(BESIDE.glob("shared/seeds/*.txt")):
        text = path.read_text("utf-8")
        named = _NAME.search(text)
        if named is not None and named[1] not in seen:
            yield from _numbered(named[1], list(_of_flat_text(text.splitlines())))


def _numbered(document: str, found: list[tuple[Language, str]]) -> Iterator[Block]:
    for number, (language, code) in enumerate(found, 1):
        yield Block(document, number, language, code)


def _of_flat_text(lines: list[str]) -> Iterator[tuple[Language, str]]:
    place = 0
    while place < len(lines):
        length = _length_of_code(lines[place : place + _LONGEST]) if _BEGINS.match(lines[place]) else 0
        if length:
            is_python = "_API_KEY=" not in lines[place + 1]
            code = indented(lines[place : place + length])
            yield ("python", code) if is_python else ("bash", code)
        elif lines[place].startswith("llmring "):
            yield "bash", lines[place]
        place += length or 1


def _length_of_code(lines: list[str]) -> int:
    """Return how many lines from the first on are one block: the most that compile and do something."""
    for length in range(len(lines), 0, -1):
        try:
            statements = ast.parse(indented(lines[:length])).body
        except SyntaxError:
            continue
        while statements and _is_heading(statements[-1]):
            statements.pop()
            length -= 1  # noqa: PLW2901 - the heading that follows
        if statements:
            return length
    return 0


def _is_heading(statement: ast.stmt) -> bool:
    """Return whether a line that happens to be Python is the next heading: ``Message`` or ``LLMRing.chat()``."""
    if isinstance(statement, ast.AsyncWith):
        return _is_heading(statement.body[-1])
    if not isinstance(statement, ast.Expr):
        return False
    called = statement.value
    return isinstance(called, ast.Name) or (
        isinstance(called, ast.Call) and not (called.args or called.keywords)
    )


def indented(lines: list[str]) -> str:
    """Give code its indentation back: what follows a line that opens a block is in it, to the end."""
    made, opened, depth = [], list[str](), 0
    for line in lines:
        bare = line.partition("  #")[0].partition(" # ")[0].strip()
        if depth == 0 and (goes_on := _GOES_ON.match(bare)):
            wanted = "try" if goes_on[1] in {"except", "finally"} else "if"
            while opened and opened.pop() != wanted:
                pass
            made.append("    " * len(opened) + line)
            opened.append(wanted)
            continue
        made.append("    " * len(opened) + line)
        depth += sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
        if depth == 0 and (opens := _OPENS.match(bare)):
            opened.append(opens[1])
    return "\n".join(made) + "\n"
