"""Which members of a pool a request is sent to, by what its alias needs."""

from decimal import Decimal

import pytest
from llmring import LLMRequest, LLMRing, Message, ModelRef
from llmring._routing import _MOST_KEPT
from llmring.exceptions import ModelCapabilityError
from llmring.registry._wire import Publication
from llmring.testing import FakeProvider
from llmring_lockfile import Binding, Constraints, Lockfile, Profile
from llmring_types import ModelFacts, Prices

PLAIN, THINKER, UNHEARD_OF = "openai:gpt-4o-mini", "openai:o3-mini", "openai:gpt-unheard-of"
REQUEST = LLMRequest(messages=[Message(role="user", content="Why is the sky blue?")], model="thinker")


def ring_with(*pool: str) -> LLMRing:
    models = tuple(map(ModelRef.parse, pool))
    binding = Binding("thinker", models, Constraints(needs=("reasoning",)))
    ring = LLMRing(lockfile=Lockfile(profiles={"default": Profile("default", (binding,))}))
    ring.register_provider("openai", FakeProvider(name="openai"))
    return ring


async def test_a_model_that_lacks_what_the_alias_needs_is_passed_over() -> None:
    async with ring_with(PLAIN, THINKER) as ring:
        response = await ring.chat(REQUEST)
    skipped, answered = response.attempts
    assert (skipped.model, skipped.outcome, answered.model) == (PLAIN, "skipped", THINKER)
    assert skipped.message is not None
    assert "cannot do what the alias needs: needs reasoning, which it lacks" in skipped.message


async def test_where_no_model_can_do_it_nothing_is_sent() -> None:
    async with ring_with(PLAIN) as ring:
        with pytest.raises(ModelCapabilityError, match="needs reasoning") as caught:
            await ring.chat(REQUEST)
    assert (caught.value.provider, caught.value.model) == ("openai", "gpt-4o-mini")
    assert [attempt.outcome for attempt in caught.value.attempts] == ["skipped"]


async def test_a_model_of_which_nothing_is_known_is_tried() -> None:
    async with ring_with(UNHEARD_OF) as ring:
        assert (await ring.chat(REQUEST)).model == UNHEARD_OF


async def test_facts_that_are_replaced_between_two_calls_count_at_the_second() -> None:
    async with ring_with(UNHEARD_OF, THINKER) as ring:
        assert (await ring.chat(REQUEST)).model == UNHEARD_OF
        facts = ModelFacts(provider="openai", model="gpt-unheard-of", reasoning=False)
        news = Publication(provider="openai", version=99, updated_at=None, models=(facts,))
        ring.registry.adopt(news, origin="registry", checked_at=0.0)
        assert (await ring.chat(REQUEST)).attempts[0].outcome == "skipped"


async def test_prices_that_are_added_between_two_calls_count_at_the_second() -> None:
    async with ring_with(UNHEARD_OF) as ring:
        assert ring._router.route("thinker", None).candidates[0].facts is None
        ring._accounting.add_prices(UNHEARD_OF, Prices(input=Decimal(1), output=Decimal(1)))
        assert ring._router.route("thinker", None).candidates[0].facts is not None


async def test_a_provider_that_was_not_configured_is_asked_once_it_is_registered() -> None:
    async with ring_with("anthropic:claude-opus-4-5", THINKER) as ring:
        assert (await ring.chat(REQUEST)).model == THINKER
        ring.register_provider("anthropic", FakeProvider(name="anthropic"))
        assert (await ring.chat(REQUEST)).model == "anthropic:claude-opus-4-5"


async def test_each_call_that_is_refused_raises_an_error_of_its_own() -> None:
    async with ring_with(PLAIN) as ring:
        errors = []
        for _ in range(2):
            with pytest.raises(ModelCapabilityError) as caught:
                await ring.chat(REQUEST)
            errors.append(caught.value)
    assert errors[0] is not errors[1]


async def test_many_names_do_not_make_a_ring_grow() -> None:
    async with ring_with(PLAIN) as ring:
        for number in range(300):
            assert ring.resolve_alias(f"openai:model-{number}") == f"openai:model-{number}"
        assert len(ring._router._kept) <= _MOST_KEPT
