"""Reports as one HTML file each: no script, no request, light and dark as the reader's system is.

They are made of the page's style sheet, charts and template engine; whatever they show is escaped by it.
"""

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmring_cli._files import write_output
from llmring_cli._output import dollars_text, printable
from llmring_cli._parameters import now
from llmring_cli._run import version_text
from llmring_cli.page import require_extra

if TYPE_CHECKING:
    from jinja2 import Environment

_SVG_FILE = "http://www.w3.org/2000/svg"
_COLOURS = "svg{background:#fff;color:#57606a;font-family:system-ui,sans-serif}text{font-size:13px;fill:#57606a}line{stroke:#d5d9df}g>rect{fill:none}.series rect{fill:#2459b8}"
_DARK = "@media(prefers-color-scheme:dark){svg{background:#14171b}text{fill:#a0a8b3}line{stroke:#373d45}.series rect{fill:#86b0ff}}"


@cache
def templates() -> "Environment":
    """Return the template engine of pages and reports: everything is escaped, an unknown name is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra

    engine = Environment(
        loader=PackageLoader("llmring_cli.page", "files"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    engine.filters |= {"dollars": dollars_text, "count": "{:,}".format, "clock": _clock_time}
    return engine


def _clock_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def _shown(value: Any) -> Any:
    """Make text harmless that could reorder what surrounds it; markup of our own stays."""
    return printable(value) if type(value) is str else value


def page_file(name: str) -> str:
    """Return a style sheet, script or picture of the page."""
    return files("llmring_cli.page").joinpath("files", name).read_text(encoding="utf-8")


def write_report(path: Path, template: str, *, title: str, **values: Any) -> None:
    """Write a report.

    Args:
        path: the file, as the user named it.
        template: in the folder of the page.
        title: of the report.
        values: of the template.

    Raises:
        MissingSDKError: the extra is not installed.
        CommandError: it cannot be written.
    """
    require_extra("a report")
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja

    text = (
        templates()
        .get_template(template)
        .render(
            css=Markup(page_file("page.css")),  # noqa: S704 - a file of this package
            title=title,
            made_at=f"{now():%Y-%m-%d %H:%M} UTC",
            version=version_text(),
            **values,
        )
    )
    write_output(path, text.encode(errors="replace"))


def write_chart(path: Path, drawing: str) -> None:
    """Write a chart as a picture of its own: the same drawing, with the colours that the page gives it.

    Raises:
        CommandError: it cannot be written.
    """
    begin, _, rest = drawing.partition(">")
    space = "" if "xmlns=" in begin else f' xmlns="{_SVG_FILE}"'
    write_output(path, f"{begin}{space}><style>{_COLOURS}{_DARK}</style>{rest}\n".encode())
