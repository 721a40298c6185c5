import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile._emit import render_key, render_line, render_value

LAYOUT = [
    ("a", '"a"'),
    ('say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'),
    ("line\nend\ttab", '"line\\nend\\ttab"'),
    ("\x00\x1f\x7f", '"\\u0000\\u001f\\u007f"'),
    ("é 😀 \u2028", '"é 😀 \u2028"'),
    (True, "true"),
    (-3, "-3"),
    (0.25, "0.25"),
    (1e-07, "1e-07"),
    (float("inf"), "inf"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4, 5), "03:04:05"),
    (datetime.fromisoformat("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))), "2026-01-02T03:04:05+02:00"),
    ([], "[]"),
    (["a", None, [1]], '["a", [1]]'),
    ({}, "{}"),
    ({"a b": 1, "c": None, "d": {"e": "f"}}, '{"a b" = 1, d = {e = "f"}}'),
]


@pytest.mark.parametrize(("value", "text"), LAYOUT, ids=[text for _, text in LAYOUT])
def test_a_value_has_one_layout(value: Any, text: str) -> None:
    assert render_value(value) == text


def test_a_list_that_would_make_a_line_too_long_has_a_line_for_each_item() -> None:
    names = [f"anthropic:claude-haiku-{number}" for number in range(4)]
    items = "".join(f'    "{name}",\n' for name in names)
    assert render_line(("profiles",), ("models",), names) == f"models = [\n{items}]\n"
    assert render_line(("profiles",), ("models",), names[:2]).count("\n") == 1


def test_what_toml_lacks_is_refused() -> None:
    with pytest.raises(TypeError, match="TOML has no bytes"):
        render_value(b"")


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    texts
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(UTC)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(texts, values)
def test_two_parsers_read_back_what_was_rendered(key: str, value: Any) -> None:
    for line in (f"{render_key((key,))} = {render_value(value)}\n", render_line((), (key,), value)):
        assert tomllib.loads(line) == {key: value}
        assert tomlkit.parse(line).unwrap() == {key: value}
