"""Sums, times and charts of a known log."""

import re
from datetime import date
from pathlib import Path

from llmring_cli.page.charts import bar_chart, day_chart
from llmring_cli.page.figures import Row, usage_of

TODAY = date(2026, 11, 22)


def test_the_sums_are_those_of_the_log(usage_log: Path) -> None:
    usage = usage_of(usage_log, today=TODAY, days=7, key_names={})
    assert usage.total is not None
    assert (usage.total.cost, usage.total.calls, usage.total.failed, usage.total.unpriced) == (0.75, 4, 1, 1)
    assert [(row.name, row.cost) for row in usage.by_model] == [
        ("openai:gpt-4o-mini", 0.5),
        ("anthropic:claude-haiku-4-5", 0.25),
        ("ollama:llama3:8b", None),
    ]
    assert [row.name for row in usage.by_alias] == ["fast", "no alias"]


def test_every_day_of_the_period_has_its_row(usage_log: Path) -> None:
    usage = usage_of(usage_log, today=TODAY, days=7, key_names={})
    assert [row.name for row in usage.by_day] == [f"2026-11-{day}" for day in range(16, 23)]
    assert [row.cost for row in usage.by_day] == [0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.25]


def test_what_is_before_the_period_does_not_count(usage_log: Path) -> None:
    usage = usage_of(usage_log, today=TODAY, days=1, key_names={})
    assert usage.total is not None
    assert (usage.total.cost, usage.total.calls) == (0.25, 3)


def test_a_period_without_calls_has_no_total(usage_log: Path) -> None:
    assert usage_of(usage_log, today=date(2020, 1, 1), days=7, key_names={}).total is None


def _rectangles(svg: str, side: str) -> list[float]:
    """Return the lengths of the bars or columns."""
    series = svg[svg.index('class="series') :]
    return [float(found) for found in re.findall(rf'<rect [^>]*{side}="([\d.]+)"', series)]


def test_columns_are_as_high_as_their_days_are_dear() -> None:
    days = [Row(name=f"2026-11-0{day}", cost=cost) for day, cost in enumerate((1.0, 0.0, 4.0, None), start=1)]
    heights = _rectangles(day_chart(days, "Dollars"), "height")
    assert [round(height / max(heights), 3) for height in heights] == [0.25, 0, 1, 0]


def test_bars_are_as_long_as_their_rows_are_dear_the_first_on_top() -> None:
    svg = bar_chart([Row(name="first", cost=4.0), Row(name="second", cost=1.0)], "Dollars")
    widths = sorted(_rectangles(svg, "width"))
    assert round(widths[0] / widths[1], 3) == 0.25
    places = {name: float(y) for y, name in re.findall(r' y="([\d.]+)"[^>]*>(first|second)<', svg)}
    assert places["first"] < places["second"]


def test_names_that_begin_alike_keep_their_own_bars() -> None:
    rows = [Row(name=f"{'long' * 10}{number}", cost=1.0 + number) for number in range(3)]
    assert len(set(_rectangles(bar_chart(rows, "Dollars"), "width"))) == 3


def test_charts_have_no_style_script_or_markup_of_a_name() -> None:
    svg = bar_chart([Row(name="</text><script>x</script>\0\u202e", cost=1.0)], '"><script>y</script>')
    assert "<script" not in svg
    assert "style=" not in svg
    assert "\0" not in svg


def test_nothing_but_zeros_can_be_drawn() -> None:
    assert set(
        _rectangles(day_chart([Row(name="2026-11-01"), Row(name="2026-11-02")], "Dollars"), "height")
    ) == {0.0}
