"""The site's own rules: each object is described once, and links out of ``docs/`` lead to the repository."""

import re
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://github.com/juanre/llmring/blob/main/"
_LINK = re.compile(r"\]\((\.\./[^)#\s]+)")


def skip_what_another_package_defines(
    app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any
) -> bool | None:
    """Describe what a package takes from another one on the page of that one alone."""
    if what != "module":
        return None
    package = app.env.docname.rpartition("/")[2].removesuffix("-modules").replace("-", "_")
    home = getattr(thing, "__module__", None) or package
    return True if home.partition(".")[0] != package else None


def lead_to_the_repository(app: Sphinx, document: str, source: list[str]) -> None:
    """Give links to files beside ``docs/`` their address in the repository."""
    folder = (ROOT / "docs" / document).parent

    def absolute(link: re.Match[str]) -> str:
        target = (folder / link[1]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return link[0]
        return f"]({REPOSITORY}{target.relative_to(ROOT).as_posix()}"

    source[0] = _LINK.sub(absolute, source[0])


def setup(app: Sphinx) -> dict[str, object]:
    """Register both, and show diagrams, which GitHub draws, as their text."""
    app.connect("autodoc-skip-member", skip_what_another_package_defines)
    app.connect("source-read", lead_to_the_repository)
    app.add_lexer("mermaid", TextLexer)
    return {"parallel_read_safe": True}
