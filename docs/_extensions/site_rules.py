"""The site's own rules: one place for each object, pages out of files beside ``docs/``, links that leave it."""

import os
import re
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/juanre/llmring/blob/main/"
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
_WHOLE_PAGE = re.compile(r"\[[^]]*\]\(([^)]+\.md)\)(?: of the repository)?\.\n")
_described: set[tuple[str, str]] = set()
_ALL_DECISIONS = "\n```{toctree}\n:hidden:\n:glob:\n:reversed:\n\n20*\n```\n"


def skip_what_stands_elsewhere(
    app: Sphinx, what: str, name: str, thing: Any, _skip: bool, _options: Any
) -> bool | None:
    """Describe an object once: in its own package, and there in the first public module that has it."""
    if what != "module":
        return None
    package = app.env.docname.rpartition("/")[2].removesuffix("-modules").replace("-", "_")
    home = getattr(thing, "__module__", None) or package
    known = (home, name)
    if home.partition(".")[0] != package or known in _described:
        return True
    if isinstance(thing, type):
        _described.add(known)
    return None


def read_page(app: Sphinx, document: str, source: list[str]) -> None:
    """Take in the file that is all a page consists of, and correct the links that leave ``docs/``."""
    here = Path(app.srcdir) / document
    file = here
    whole = _WHOLE_PAGE.fullmatch(source[0])
    if whole is not None:
        file = (here.parent / whole[1]).resolve()
        source[0] = file.read_text("utf-8")

    def link(found: re.Match[str]) -> str:
        target = (file.parent / found[1]).resolve()
        if target.is_relative_to(app.srcdir):
            return f"]({os.path.relpath(target, here.parent)}"
        return f"]({REPOSITORY}{target.relative_to(ROOT).as_posix()}"

    source[0] = _LINK.sub(link, source[0])
    if document == "decisions/README":
        source[0] += _ALL_DECISIONS


def setup(app: Sphinx) -> dict[str, object]:
    """Register both, and show diagrams, which GitHub draws, as their text."""
    app.connect("autodoc-skip-member", skip_what_stands_elsewhere)
    app.connect("source-read", read_page)
    app.add_lexer("mermaid", TextLexer)
    return {"parallel_read_safe": True}
