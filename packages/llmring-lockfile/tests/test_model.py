from decimal import Decimal

import pytest
from llmring_lockfile import NEEDS, Constraints, UnmetNeed, parse, unmet_needs
from llmring_types import CAPABILITIES, ModelFacts

FACTS = ModelFacts(provider="openai", model="x", vision=True, tools=False, context_window=1000)


@pytest.mark.parametrize(
    ("constraints", "unmet"),
    [
        (Constraints(), ()),
        (Constraints(max_cost_usd=Decimal(1), timeout_s=2.0), ()),
        (Constraints(needs=("vision",), min_context=1000), ()),
        (Constraints(needs=("vision", "tools")), (UnmetNeed("tools", wanted=True, actual=False),)),
        (Constraints(needs=("audio",)), (UnmetNeed("audio", wanted=True, actual=None),)),
        (Constraints(min_context=1001), (UnmetNeed("min_context", wanted=1001, actual=1000),)),
    ],
)
def test_needs_are_compared_with_what_is_known(
    constraints: Constraints, unmet: tuple[UnmetNeed, ...]
) -> None:
    assert unmet_needs(constraints, FACTS) == unmet


def test_the_window_is_for_request_and_answer_together() -> None:
    """The registry states the most that a request may have: of claude-haiku-4-5 136,000 of its 200,000 tokens."""
    haiku = ModelFacts(provider="anthropic", model="x", context_window=136_000, max_output_tokens=64_000)
    assert unmet_needs(Constraints(min_context=200_000), haiku) == ()
    (unmet,) = unmet_needs(Constraints(min_context=200_001), haiku)
    assert unmet.actual == 200_000


def test_of_an_unknown_model_no_need_is_proved_and_none_is_certainly_unmet() -> None:
    unmet = unmet_needs(Constraints(needs=("vision",), min_context=5), None)
    assert [(need.need, need.certain) for need in unmet] == [("vision", False), ("min_context", False)]


@pytest.mark.parametrize(
    ("need", "text"),
    [
        (UnmetNeed("tools", wanted=True, actual=False), "needs tools, which it lacks"),
        (UnmetNeed("tools", wanted=True, actual=None), "needs tools, which is not known of it"),
        (UnmetNeed("min_context", wanted=5, actual=4), "needs 5 tokens of context, has 4 tokens of context"),
        (UnmetNeed("min_context", wanted=5, actual=None), "needs 5 tokens of context, has an unknown context window"),
    ],
)  # fmt: skip
def test_an_unmet_need_reads_as_a_reason(need: UnmetNeed, text: str) -> None:
    assert str(need) == text


def test_constraints_are_true_only_when_they_demand_or_keep_something() -> None:
    assert not Constraints()
    assert Constraints(min_context=1)
    assert Constraints(other={"region": "eu"})


def test_an_unknown_need_is_refused_at_construction() -> None:
    with pytest.raises(ValueError, match="unknown need 'sight': expected one of vision, tools"):
        Constraints(needs=("sight",))  # type: ignore[arg-type]


def test_every_need_is_a_capability() -> None:
    assert set(NEEDS) <= set(CAPABILITIES)


def test_a_lockfile_resolves_aliases_by_itself_and_says_nothing_of_those_it_lacks() -> None:
    lockfile = parse(
        """
        [extends]
        packages = ["llmring"]
        [[profiles.default.bindings]]
        alias = "fast"
        models = ["sim:demo", "openai:gpt-5-mini"]
        """
    )
    assert lockfile.resolve_alias("fast") == ["sim:demo", "openai:gpt-5-mini"]
    assert (lockfile.resolve_alias("slow"), lockfile.resolve_alias("fast", "dev")) == ([], [])
    assert (lockfile.has_alias("fast"), lockfile.has_alias("fast", "dev"), lockfile.has_alias("slow")) == (
        True,
        False,
        False,
    )
    assert lockfile.has_alias("sim:demo") is False
    assert lockfile.has_alias("llmring:advisor")
