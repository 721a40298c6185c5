from decimal import Decimal
from typing import Any

import pytest
from llmring.registry._models import fill
from llmring_types import ModelFacts, Prices


def facts(window: int | None = None, **prices: Any) -> ModelFacts:
    exact: dict[str, Any] = {
        name: value if name in ("source", "long_threshold") else Decimal(value)
        for name, value in prices.items()
    }
    return ModelFacts(provider="p", model="m", context_window=window, prices=Prices(**exact))


OURS: dict[str, Any] = {"input": 2, "output": 8, "source": "registry"}
THEIRS: dict[str, Any] = {"input": 2, "output": 8, "source": "genai-prices"}
BOTH: dict[str, Any] = {"input": 2, "output": 8, "source": "registry, genai-prices"}


@pytest.mark.parametrize(
    ("ours", "theirs", "filled"),
    [
        pytest.param(OURS, THEIRS, OURS, id="nothing is missing"),
        pytest.param({"source": "registry"}, THEIRS, THEIRS, id="no price at all"),
        pytest.param(OURS, {**THEIRS, "cache_read": 1}, {**BOTH, "cache_read": 1}, id="a cache price"),
        pytest.param(
            {**OURS, "cache_read": 0},
            {**THEIRS, "cache_read": 1},
            {**OURS, "cache_read": 0},
            id="zero is a price",
        ),
        pytest.param(
            OURS, {**THEIRS, "output": 9, "cache_read": 1}, OURS, id="they disagree on the output price"
        ),
        pytest.param(
            {"input": 2, "source": "registry"},
            {**THEIRS, "input": 3},
            {"input": 2, "source": "registry"},
            id="half",
        ),
        pytest.param({"input": 2, "source": "registry"}, THEIRS, BOTH, id="the other half"),
        pytest.param(
            OURS,
            {**THEIRS, "long_threshold": 9, "long_input": 4, "long_output": 12},
            {**BOTH, "long_threshold": 9, "long_input": 4, "long_output": 12},
            id="a whole long tier",
        ),
        pytest.param(
            {**OURS, "long_threshold": 9, "long_input": 4},
            {**THEIRS, "long_threshold": 9, "long_input": 4, "long_cache_read": 1},
            {**BOTH, "long_threshold": 9, "long_input": 4, "long_cache_read": 1},
            id="the rest of a long tier",
        ),
        pytest.param(
            {**OURS, "long_threshold": 9, "long_input": 4},
            {**THEIRS, "long_threshold": 8, "long_input": 4, "long_cache_read": 1},
            {**OURS, "long_threshold": 9, "long_input": 4},
            id="another long tier",
        ),
    ],
)
def test_gaps_are_filled_and_nothing_is_contradicted(
    ours: dict[str, Any], theirs: dict[str, Any], filled: dict[str, Any]
) -> None:
    assert fill(facts(**ours), facts(**theirs)) == facts(**filled)


def test_a_context_window_is_filled_and_never_replaced() -> None:
    assert fill(facts(None, **OURS), facts(9, **THEIRS)).context_window == 9
    assert fill(facts(7, **OURS), facts(9, **THEIRS)).context_window == 7


def test_without_a_second_source_the_facts_stay() -> None:
    alone = facts(7, **OURS)
    assert fill(alone, None) is alone
