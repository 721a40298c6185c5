"""The two knobs for reasoning, model by model."""

from typing import Any

import pytest
from llmring_providers.google.models import model_of
from llmring_providers.google.thinking import thinking_config
from llmring_types import LLMRequest

FLASH, LITE, PRO = "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"

ROWS: list[Any] = [
    (FLASH, {}, None),
    (FLASH, {"reasoning_tokens": 2000}, {"thinkingBudget": 2000}),
    (FLASH, {"reasoning_effort": "minimal"}, {"thinkingBudget": 512}),
    (FLASH, {"reasoning_effort": "low"}, {"thinkingBudget": 1024}),
    (FLASH, {"reasoning_effort": "medium"}, {"thinkingBudget": 8192}),
    (FLASH, {"reasoning_effort": "high"}, {"thinkingBudget": 24576}),
    (FLASH, {"reasoning_effort": "max"}, {"thinkingBudget": 24576}),
    (PRO, {"reasoning_effort": "xhigh"}, {"thinkingBudget": 32768}),
    ("gemini-3-flash-preview", {"reasoning_effort": "minimal"}, {"thinkingLevel": "minimal"}),
    ("gemini-3.6-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "minimal"}),
    ("gemini-3.8-flash", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low"}),
    ("gemini-flash-latest", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low"}),
    ("gemini-3.1-pro-preview", {"reasoning_effort": "minimal"}, {"thinkingLevel": "low"}),
    ("gemini-3-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "high"}),
    ("gemini-3.1-pro-preview", {"reasoning_effort": "medium"}, {"thinkingLevel": "medium"}),
    ("gemini-3.5-flash", {"reasoning_effort": "low"}, {"thinkingLevel": "low"}),
    ("gemini-4-hydrogen", {"reasoning_effort": "max"}, {"thinkingLevel": "high"}),
    ("gemini-3-pro-preview", {"reasoning_tokens": 50_000}, {"thinkingBudget": 50_000}),
    ("gemini-2.0-flash", {"reasoning_effort": "none"}, None),
    ("gemini-2.0-flash", {"reasoning_tokens": 0}, None),
]


@pytest.mark.parametrize(("name", "knobs", "config"), ROWS)
def test_effort_and_budget_are_said_as_the_model_takes_them(
    name: str, knobs: dict[str, Any], config: dict[str, Any] | None
) -> None:
    warnings: list[str] = []
    found = thinking_config(LLMRequest([], **knobs), model_of(name), warnings)
    assert found == (None if config is None else config | {"includeThoughts": True})
    assert warnings == []


@pytest.mark.parametrize("knobs", [{"reasoning_tokens": 0}, {"reasoning_effort": "none"}])
@pytest.mark.parametrize("name", [FLASH, LITE])
def test_models_that_need_not_think_are_told_not_to(name: str, knobs: dict[str, Any]) -> None:
    warnings: list[str] = []
    assert thinking_config(LLMRequest([], **knobs), model_of(name), warnings) == {"thinkingBudget": 0}
    assert warnings == []


NEAREST: list[Any] = [
    (PRO, {"reasoning_tokens": 0}, {"thinkingBudget": 128}, "reasoning cannot be switched off"),
    (PRO, {"reasoning_effort": "none"}, {"thinkingBudget": 128}, "reasoning cannot be switched off"),
    ("gemini-3-flash", {"reasoning_effort": "none"}, {"thinkingLevel": "minimal"}, "reasoning cannot be switched off"),
    ("gemini-3-pro", {"reasoning_tokens": 0}, {"thinkingLevel": "low"}, "reasoning cannot be switched off"),
    (
        FLASH,
        {"reasoning_tokens": 99_999},
        {"thinkingBudget": 24_576, "includeThoughts": True},
        "reasoning_tokens became 24576: models/gemini-2.5-flash takes 1 to 24576",
    ),
    (
        LITE,
        {"reasoning_tokens": 100},
        {"thinkingBudget": 512, "includeThoughts": True},
        "reasoning_tokens became 512",
    ),
    (
        PRO,
        {"reasoning_tokens": 1},
        {"thinkingBudget": 128, "includeThoughts": True},
        "reasoning_tokens became 128",
    ),
    (
        PRO,
        {"reasoning_tokens": 1000, "reasoning_effort": "high"},
        {"thinkingBudget": 1000, "includeThoughts": True},
        "reasoning_effort was dropped",
    ),
    ("gemini-2.0-flash", {"reasoning_effort": "low"}, None, "reasoning was dropped"),
    ("gemini-1.5-pro", {"reasoning_tokens": 5}, None, "reasoning was dropped"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "knobs", "config", "warning"), NEAREST)
def test_what_a_model_cannot_do_is_told(
    name: str, knobs: dict[str, Any], config: dict[str, Any] | None, warning: str
) -> None:
    warnings: list[str] = []
    assert thinking_config(LLMRequest([], **knobs), model_of(name), warnings) == config
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)
