"""What a ring tells of models, costs and limits."""

from pathlib import Path

import llmring_lockfile
import pytest
from llmring import LLMRequest, LLMResponse, LLMRing, Message, Usage
from llmring.exceptions import AliasNotFoundError

LONG = [Message(role="user", content="word " * 20_000)]


async def test_available_models_are_those_of_providers_that_can_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    async with LLMRing() as ring:
        models = await ring.get_available_models()
        assert set(models) == {"openai", "ollama", "sim"}
        assert "gpt-4o-mini" in models["openai"]
        retired = {facts.model for facts in ring.registry.models("openai") if facts.active is False}
        assert not retired & set(models["openai"])


async def test_the_cost_of_an_answer_is_told_part_by_part() -> None:
    usage: Usage = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
    async with LLMRing() as ring:
        cost = await ring.calculate_cost(LLMResponse(content="", model="openai:gpt-4o-mini", usage=usage))
        assert cost is not None
        assert (cost["input_cost"], cost["output_cost"], cost["total_cost"]) == (0.15, 0.6, 0.75)
        assert cost["cost_per_million_input"] == 0.15
        served = LLMResponse(
            content="",
            model="openai:my-deployment",
            provider_model="gpt-4o-mini-2024-07-18",
            usage=usage,
        )
        assert await ring.calculate_cost(served) == cost
        unknown = LLMResponse(content="", model="openai:gpt-unheard-of", usage=usage)
        assert await ring.calculate_cost(unknown) is None


async def test_a_request_is_held_against_the_models_that_it_may_go_to(lockfile: Path) -> None:
    llmring_lockfile.bind(lockfile, "pool", "openai:gpt-4o-mini,openai:gpt-4")
    async with LLMRing() as ring:
        problem = await ring.validate_context_limit(LLMRequest(messages=LONG, model="pool"))
        assert problem is not None
        assert "openai:gpt-4 takes" in problem
        assert (
            await ring.validate_context_limit(LLMRequest(messages=LONG, model="openai:gpt-4o-mini")) is None
        )
        with pytest.raises(AliasNotFoundError):
            await ring.validate_context_limit(LLMRequest(messages=LONG, model="nobody"))
