"""Charts as SVG for inside the page: colours and fonts are in its style sheet, values in the table beside them."""

from collections.abc import Sequence
from typing import Any

import leather  # type: ignore[import-untyped]  # 0.4 has no types
from markupsafe import Markup

from llmring_cli._output import dollars_texts, one_line
from llmring_cli.page.figures import Row

_WIDTH, _HEIGHT = 480, 240
"""Units, as leather draws them; the page scales the picture."""
_BARS = 8
_LONGEST = 22
_DAY_LABELS = 5


def day_chart(rows: Sequence[Row], label: str) -> Markup:
    """Return a column of dollars for each day; an unknown amount has none.

    Args:
        rows: the days in order.
        label: for those who do not see it.
    """
    chart = leather.Chart()
    names = [row.name[5:] for row in rows]  # month and day: the year is in the table
    values = [row.cost or 0.0 for row in rows]
    chart.add_columns(list(zip(names, values, strict=True)))
    step = max(1, len(names) // _DAY_LABELS)
    chart.add_x_axis(ticks=names[::-step][::-1])
    top = _top(values)
    chart.add_y_scale(0, top)
    chart.add_y_axis(**_axis(top))
    return _inline(chart, _HEIGHT, label)


def bar_chart(rows: Sequence[Row], label: str) -> Markup:
    """Return a bar of dollars for each of the dearest rows, the dearest on top.

    Args:
        rows: the dearest first.
        label: for those who do not see it.
    """
    shown = list(rows[:_BARS])
    values = [row.cost or 0.0 for row in shown]
    bars = list(zip(values, _labels([row.name for row in shown]), strict=True))
    chart = leather.Chart()
    chart.add_bars(bars)
    top = _top(values)
    chart.add_x_scale(0, top)
    chart.add_x_axis(**_axis(top))
    return _inline(chart, 60 + 24 * len(shown), label)


def _top(values: Sequence[float]) -> float:
    return max(values, default=0.0) or 1.0


def _labels(names: Sequence[str]) -> list[str]:
    """Return short names, no two alike: the chart tells its bars apart by them."""
    found: list[str] = []
    for name in names:
        text = one_line(name)
        short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        number, unique = 2, short
        while unique in found:
            unique, number = f"{short} {number}", number + 1
        found.append(unique)
    return found


def _axis(top: float) -> dict[str, Any]:
    """Return the arguments of an axis of dollars."""
    ticks = [0.0, top / 2, top]
    return {"ticks": ticks, "tick_formatter": lambda _value, place, _count: dollars_texts(ticks)[place]}


def _inline(chart: leather.Chart, height: int, label: str) -> Markup:
    """Return the drawing without a size of its own, so that it fits the screen.

    leather writes presentation attributes and no ``style``, which the page's Content-Security-Policy would refuse, and
    escapes its texts.
    """
    svg = str(chart.to_svg(width=_WIDTH, height=height))
    head = f'<svg width="{_WIDTH}" height="{height}"'
    if not svg.startswith(head):
        raise AssertionError(f"leather draws otherwise now: {svg[:100]}")
    begin = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}"').format(_WIDTH, height, label)
    return begin + Markup(svg.removeprefix(head))  # noqa: S704 - as above
