"""The directive ``benchmark-chart``: bars out of ``docs/benchmarks/results.jsonl``, and a table of them."""

import html
import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import leather  # type: ignore[import-untyped]  # 0.4 has no types
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.parsers.rst.directives import unchanged_required
from sphinx.application import Sphinx

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results.jsonl"
NAMES = {"sdk": "vendor's SDK", "ours": "llmring", "anyllm": "any-llm", "pydanticai": "pydantic-ai"}
_WIDTH = 640


class Figure(NamedTuple):
    """One bar: a client's figure, the median of its rounds."""

    client: str
    value: float


def figures(lines: Iterable[str], metric: str, field: str, provider: str | None) -> list[Figure]:
    """Return the medians of one figure, the smallest first.

    Args:
        lines: JSON documents, one for each client, provider, metric and round.
        metric: which measurement (``small``, ``burst``, ``import``, …).
        field: which of its figures.
        provider: whose protocol; ``None`` for measurements of no provider.
    """
    found: dict[str, list[float]] = {}
    for line in lines:
        row = json.loads(line)
        if row["metric"] == metric and row.get("provider") == provider:
            found.setdefault(row["peer"], []).append(row[field])
    medians = [Figure(NAMES.get(peer, peer), median(values)) for peer, values in found.items()]
    return sorted(medians, key=lambda figure: figure.value)


class BenchmarkChart(Directive):
    """``{benchmark-chart} METRIC FIELD [PROVIDER]``, with the unit as an option and the caption as its content."""

    required_arguments = 2
    optional_arguments = 1
    has_content = True
    option_spec = {"unit": unchanged_required}  # noqa: RUF012 - docutils' name, a class's

    def run(self) -> list[nodes.Node]:
        """Return the drawing and the table."""
        metric, field, *provider = self.arguments
        self.state.document.settings.record_dependencies.add(str(RESULTS))
        with RESULTS.open(encoding="utf-8") as lines:
            rows = figures(lines, metric, field, provider[0] if provider else None)
        if not rows:
            raise self.error(f"results.jsonl has no {' '.join(self.arguments)}")
        caption, unit = " ".join(self.content), self.options["unit"]
        return [
            _title(f"{caption}, {unit}"),
            nodes.raw("", _drawing(rows, caption), format="html"),
            _table(rows, unit),
        ]


def _title(text: str) -> nodes.rubric:
    return nodes.rubric(text=text)


def _drawing(rows: list[Figure], label: str) -> str:
    chart = leather.Chart()
    chart.add_bars([(row.value, row.client) for row in rows])
    top = max(row.value for row in rows)
    chart.add_x_scale(0, top)
    chart.add_x_axis(ticks=[0, top / 2, top], tick_formatter=lambda value, _place, _count: _number(value))
    height = 60 + 24 * len(rows)
    svg = str(chart.to_svg(width=_WIDTH, height=height))
    head = f'<svg width="{_WIDTH}" height="{height}"'
    if not svg.startswith(head):
        raise AssertionError(f"leather draws otherwise now: {svg[:100]}")
    start = f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{html.escape(label)}"'
    return start + svg.removeprefix(head)


def _table(rows: list[Figure], unit: str) -> nodes.table:
    ours = next(row.value for row in rows if row.client == NAMES["ours"])
    table, group = nodes.table(), nodes.tgroup(cols=3)
    group += [nodes.colspec(colwidth=width) for width in (2, 1, 1)]
    head, body = nodes.thead(), nodes.tbody()
    head += _row("client", unit, "times llmring")
    body += [_row(row.client, _number(row.value), f"{row.value / ours:.1f}") for row in rows]
    group += [head, body]
    table += group
    return table


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or not value else f"{value:.1f}"  # noqa: PLR2004 - three digits


def _row(*texts: str) -> nodes.row:
    row = nodes.row()
    for text in texts:
        entry = nodes.entry()
        entry += nodes.paragraph(text=text)
        row += entry
    return row


def setup(app: Sphinx) -> dict[str, object]:
    """Register the directive."""
    app.add_directive("benchmark-chart", BenchmarkChart)
    return {"parallel_read_safe": True}
