"""The index of ``docs/decisions``: one line per page, newest first, superseded ones marked."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
HEAD = """\
# Decisions

Why things are as they are: one short, dated page for each choice that somebody might want to undo. A page that no longer
holds stays, with "Superseded by" and a link to the one that does after its date.

This list is written by `python tests/support/decisions.py`.

"""


class Decision(NamedTuple):
    """One page.

    Attributes:
        file: name of the page, which begins with the date.
        title: its heading.
        date: the first word of its text.
        superseded_by: the page that holds instead, if any.
    """

    file: str
    title: str
    date: str
    superseded_by: str | None


def decisions() -> list[Decision]:
    """Return all pages, newest first."""
    by_name = sorted(FOLDER.glob("2*.md"))
    return [_read(path) for path in sorted(by_name, key=lambda path: path.name[:10], reverse=True)]


def _read(path: Path) -> Decision:
    text = path.read_text("utf-8")
    heading, _, rest = text.partition("\n")
    superseded = re.search(r"Superseded by \[[^\]]+\]\(([^)#]+)\)\.", rest[:500])
    return Decision(
        path.name,
        heading.removeprefix("# "),
        rest.strip()[:10],
        superseded[1] if superseded else None,
    )


def index() -> str:
    """Return the README of the folder."""
    return HEAD + "".join(f"{line}\n" for line in _lines(decisions()))


def _lines(pages: list[Decision]) -> Iterator[str]:
    titles = {page.file: page.title for page in pages}
    date = ""
    for page in pages:
        if page.date != date:
            if date:
                yield ""
            date = page.date
            yield f"**{date}**"
            yield ""
        line = f"- [{page.title}]({page.file})"
        if page.superseded_by is not None:
            line += f", superseded by [{titles[page.superseded_by]}]({page.superseded_by})"
        yield line


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(index(), "utf-8")
