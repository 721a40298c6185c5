"""Token counts."""

from typing import Any

import pytest
from llmring_providers.google.response import unusual, usage_of

ROWS: list[Any] = [
    pytest.param({}, None, id="nothing"),
    pytest.param({"serviceTier": "standard"}, None, id="no counts"),
    pytest.param(
        {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
        {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        id="plain",
    ),
    pytest.param(
        {"promptTokenCount": "3", "candidatesTokenCount": "2", "totalTokenCount": "5"},
        {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        id="numbers as text",
    ),
    pytest.param(
        {
            "promptTokenCount": 10,
            "toolUsePromptTokenCount": 5,
            "candidatesTokenCount": 2,
            "thoughtsTokenCount": 4,
            "cachedContentTokenCount": 7,
            "totalTokenCount": 21,
        },
        {
            "prompt_tokens": 15,
            "completion_tokens": 6,
            "total_tokens": 21,
            "cache_read_input_tokens": 7,
            "reasoning_tokens": 4,
        },
        id="everything",
    ),
    pytest.param(
        {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": None},
        {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        id="total left out",
    ),
    pytest.param(
        {"promptTokenCount": 3, "toolUsePromptTokenCount": 1, "totalTokenCount": 4},
        {"prompt_tokens": 4, "completion_tokens": 0, "total_tokens": 4},
        id="no output, and the total says so",
    ),
    pytest.param(
        {"promptTokenCount": 3, "totalTokenCount": 9},
        {"prompt_tokens": 3, "total_tokens": 9},
        id="an output that nobody counted is unknown",
    ),
    pytest.param({"promptTokenCount": 3, "trafficType": "ON_DEMAND"}, {"prompt_tokens": 3}, id="standard"),
    pytest.param(
        {"promptTokenCount": 3, "trafficType": "ON_DEMAND_FLEX"},
        {"prompt_tokens": 3, "service_tier": "flex"},
        id="a tier of Vertex",
    ),
    pytest.param(
        {"promptTokenCount": 3, "serviceTier": "priority"},
        {"prompt_tokens": 3, "service_tier": "priority"},
        id="a tier of the Gemini API",
    ),
    pytest.param({"promptTokenCount": "three", "totalTokenCount": True}, None, id="no numbers"),
]


@pytest.mark.parametrize(("said", "usage"), ROWS)
def test_counts_have_the_neutral_meaning(said: dict[str, Any], usage: dict[str, int] | None) -> None:
    assert usage_of(said) == usage


TEXT, AUDIO = {"modality": "TEXT", "tokenCount": 1}, {"modality": "AUDIO", "tokenCount": 9}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"promptTokensDetails": [TEXT], "serviceTier": "standard", "trafficType": "ON_DEMAND"}, {}),
        ({"promptTokensDetails": [{"modality": 1, "tokenCount": 1}], "serviceTier": None}, {}),
        (
            {"promptTokensDetails": [TEXT, AUDIO], "candidatesTokensDetails": [TEXT]},
            {"promptTokensDetails": [TEXT, AUDIO]},
        ),
        ({"serviceTier": "flex"}, {"serviceTier": "flex"}),
        ({"toolUsePromptTokenCount": 243}, {"toolUsePromptTokenCount": 243}),
    ],
)
def test_what_changes_the_price_is_kept(said: dict[str, Any], kept: dict[str, Any]) -> None:
    assert unusual(said) == kept
