"""What a model's name tells."""

import pytest
from llmring_providers.anthropic.models import traits_of

OLD = (
    "claude-3-haiku-20240307",
    "claude-3-5-sonnet-20241022",
    "claude-2.1",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
)
BUDGET = (
    "claude-3-7-sonnet-20250219",
    "claude-opus-4-20250514",
    "claude-sonnet-4-0",
    "claude-opus-4-1-20250805",
    "claude-haiku-4-5-20251001",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "claude-opus-4-5@20251101",
    "anthropic/claude-sonnet-4.5",
)
BOTH = ("claude-opus-4-6", "claude-sonnet-4-6", "anthropic.claude-opus-4-6-v1")
ADAPTIVE = (
    "claude-opus-4-7",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-sonnet-5",
    "claude-fable-5",
    "claude-haiku-5-5",
)


@pytest.mark.parametrize("model", OLD)
def test_models_that_do_not_think(model: str) -> None:
    assert traits_of(model).thinks is False


@pytest.mark.parametrize("model", [*BUDGET, *BOTH, *ADAPTIVE])
def test_a_name_tells_how_a_model_thinks(model: str) -> None:
    traits = traits_of(model)
    assert traits.thinks is True
    assert traits.budget == (model not in ADAPTIVE)
    assert bool(traits.efforts) == (model not in BUDGET)
    assert (
        ("xhigh" in traits.efforts) == traits.hides_thinking == (not traits.sampling) == (model in ADAPTIVE)
    )


@pytest.mark.parametrize(
    ("model", "how"),
    [
        ("claude-sonnet-4-5", "unasked"),
        ("claude-opus-4-8", "unasked"),
        ("claude-opus-5", "disabled"),
        ("claude-sonnet-5", "disabled"),
        ("claude-haiku-5-5", "disabled"),
        ("claude-sonnet-5-5", "between_tools"),
        ("claude-opus-5-5", "never"),
        ("claude-fable-5", "never"),
        ("claude-mythos-5-1", "never"),
    ],
)
def test_how_models_are_kept_from_thinking(model: str, how: str) -> None:
    assert traits_of(model).thinking_off == how


@pytest.mark.parametrize(
    ("model", "schema", "system_turns"),
    [
        ("claude-sonnet-4-0", False, False),
        ("claude-opus-4-1", True, False),
        ("claude-sonnet-4-5", True, False),
        ("claude-opus-4-7", True, False),
        ("claude-opus-4-8", True, True),
        ("claude-sonnet-5", True, False),
        ("claude-sonnet-5-5", True, True),
        ("claude-fable-5", True, True),
    ],
)
def test_what_else_models_take(model: str, schema: bool, system_turns: bool) -> None:
    assert (traits_of(model).json_schema, traits_of(model).system_turns) == (schema, system_turns)


@pytest.mark.parametrize(
    "model", ["deepseek-chat", "kimi-k2-thinking", "claude-mythos-preview", "MiniMax-M2", ""]
)
def test_other_names_take_the_older_form_of_everything(model: str) -> None:
    traits = traits_of(model)
    assert (traits.thinks, traits.budget, traits.sampling, traits.json_schema) == (None, True, True, True)
    assert (tuple(traits.efforts), traits.system_turns) == ((), False)
