"""Reports as one HTML file each: no script, no request, light and dark as the reader's system is.

They are made of the page's style sheet, charts and template engine; whatever they show is escaped by it.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmring_cli._files import write_output
from llmring_cli._output import CommandError, dollars_text, one_line, printable
from llmring_cli._parameters import now
from llmring_cli._run import version_text
from llmring_cli.page import require_extra

if TYPE_CHECKING:
    from jinja2 import Environment
    from llmring.usage import UsageStats

    from llmring_cli.page.figures import Row

_SPACE = "http://www.w3.org/2000/svg"
_COLOURS = (
    "svg{background:#fff;font-family:system-ui,sans-serif}text{font-size:13px;fill:#57606a}line{stroke:#d5d9df}"
    "g>rect{fill:none}.series rect{fill:#2459b8}@media(prefers-color-scheme:dark){svg{background:#14171b}"
    "text{fill:#a0a8b3}line{stroke:#373d45}.series rect{fill:#86b0ff}}"
)
"""Those of the style sheet: a picture of its own has none."""
_MOST_DAYS = 366
_LETTER, _LINE = 8, 20
"""Units that a letter and a line of a picture of text take."""


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


def write_usage(
    rows: "Sequence[UsageStats]",
    total: "UsageStats | None",
    groups: Sequence[str],
    *,
    html: Path | None,
    svg: Path | None,
) -> None:
    """Write the sums of a usage log: as a report, and their chart as a picture of its own.

    Args:
        rows: the groups.
        total: of all calls; ``None`` where there are none.
        groups: the names of what they are grouped by.
        html: the file of the report.
        svg: the file of the picture.

    Raises:
        MissingSDKError: the extra is not installed.
        CommandError: a file cannot be written, or there is nothing to draw.
    """
    require_extra("a report")
    from llmring_cli.page.charts import bar_chart, day_chart  # noqa: PLC0415 - an extra
    from llmring_cli.page.figures import row_of  # noqa: PLC0415 - as above

    what = " and ".join(groups)
    shown = [row_of(row, "-") for row in rows]
    drawing = None
    if total is not None:
        label = f"Dollars by {what}; the table below has the figures"
        days = _with_idle_days(shown) if tuple(groups) == ("day",) else None
        dearest = sorted(shown, key=lambda row: -(row.cost or 0.0))
        drawing = bar_chart(dearest, label) if days is None else day_chart(days, label)
    if html is not None:
        summed = None if total is None else row_of(total, "all")
        write_report(
            html, "report-stats.html", title="Usage", total=summed, rows=shown, what=what, chart=drawing
        )
    if svg is not None and drawing is None:
        raise CommandError(f"there are no calls to draw, so {svg} is not written")
    if svg is not None and drawing is not None:
        _write_picture(svg, drawing)


def _with_idle_days(rows: "Sequence[Row]") -> "Sequence[Row]":
    """Return an empty day for each one between the others, unless there are too many, or another program's rows."""
    from llmring_cli.page.figures import every_day  # noqa: PLC0415 - an extra

    try:
        days = [date.fromisoformat(row.name) for row in rows]
    except ValueError:
        return rows
    count = (max(days) - min(days)).days + 1
    return every_day(rows, min(days), count) if count <= _MOST_DAYS else rows


def _write_picture(path: Path, drawing: str) -> None:
    """Write a chart with the colours that the page gives it."""
    begin, _, rest = drawing.partition(">")
    space = "" if "xmlns=" in begin else f' xmlns="{_SPACE}"'
    write_output(path, f"{begin}{space}><style>{_COLOURS}</style>{rest}\n".encode())


def write_table_picture(path: Path, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table as a picture of text, for where no HTML is shown.

    Args:
        path: the file, as the user named it.
        title: stands above it.
        head: the names of the columns.
        rows: of as many cells each.

    Raises:
        CommandError: it cannot be written.
    """
    from xml.sax.saxutils import escape  # noqa: PLC0415 - for this alone

    cells = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines = [one_line(title), "", *lines]
    width, height = 32 + _LETTER * max(map(len, lines)), 24 + _LINE * len(lines)
    texts = "".join(
        f'<text x="16" y="{28 + _LINE * place}" xml:space="preserve">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    drawing = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(lines[0], {chr(34): "&quot;"})}">'
    _write_picture(path, f"{drawing}<style>text{{font-family:ui-monospace,monospace}}</style>{texts}</svg>")
