"""Which requests are the same, and how differences are told."""

from typing import Any

import pytest
from llmring.testing._cassettes.cassette import Asked
from llmring.testing._cassettes.matching import differences, fingerprint

URL = "https://h.test/v1/chat"


def asked(json: Any = None, **fields: Any) -> Asked:
    body = {} if json is None else {"json": json}
    return Asked(**{"method": "POST", "url": URL, **body, **fields})


SAME = [
    (asked({"a": 1, "b": [1, {"c": 2, "d": 3}]}), asked({"b": [1, {"d": 3, "c": 2}], "a": 1})),
    (asked({}, headers={"x": "1"}), asked({}, headers={"x": "2"})),
    (asked(), asked()),
    (asked(text="a"), asked(text="a")),
]
DIFFERENT = [
    (asked({"a": 1}), asked({"a": 2}), ["$.a: recorded 1, asked 2"]),
    (asked({"a": 1}), asked({"a": True}), ["$.a: recorded 1, asked true"]),
    (asked({"a": 1}), asked({"a": 1.0}), ["$.a: recorded 1, asked 1.0"]),
    (asked({"a": None}), asked({}), ["$.a: recorded null, not asked"]),
    (asked({}), asked({"a b": 1}), ['$["a b"]: not recorded, asked 1']),
    (asked({"a": [1, 2]}), asked({"a": [1]}), ["$.a[1]: recorded 2, not asked"]),
    (asked([{"a": 1}]), asked([{"a": "1"}]), ['$[0].a: recorded 1, asked "1"']),
    (asked({"a": {}}), asked({"a": []}), ["$.a: recorded {}, asked []"]),
    (asked({"a": {"b": {"c": 1}}}), asked({"a": {"b": {"c": 2, "d": 3}}}), ["$.a.b.c: recorded 1, asked 2", "$.a.b.d: not recorded, asked 3"]),
    (asked(text="a"), asked({}), ['$: recorded "a", asked {}']),
    (asked(), asked({}), ["$: not recorded, asked {}"]),
    (asked(base64="AA=="), asked(base64="AQ=="), ['$: recorded "AA==", asked "AQ=="']),
    (asked(method="GET"), asked(), ["method: recorded GET, asked POST"]),
    (asked(), asked(url=URL + "/x"), [f"URL: recorded {URL}, asked {URL}/x"]),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_requests_are_the_same_whatever_the_order_of_fields(one: Asked, other: Asked) -> None:
    assert fingerprint(one) == fingerprint(other)
    assert differences(one, other) == []


@pytest.mark.parametrize(("recorded", "now", "lines"), DIFFERENT)
def test_differences_are_told_by_their_place(recorded: Asked, now: Asked, lines: list[str]) -> None:
    assert fingerprint(recorded) != fingerprint(now)
    assert differences(recorded, now) == lines


def test_long_texts_are_shown_from_where_they_part() -> None:
    before = "word " * 100 + "Bern, in winter" + " word" * 100
    [line] = differences(asked({"a": before}), asked({"a": before.replace("Bern", "Basel")}))
    assert 'recorded "…' in line
    assert "Bern, in winter" in line
    assert "Basel, in winter" in line
    assert len(line) < 160
    [line] = differences(asked({"a": before}), asked({"a": before + "!"}))
    assert line.endswith('word!"')
