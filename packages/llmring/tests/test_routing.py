"""Which members of a pool a request is sent to, by what its alias needs."""

import pytest
from llmring import LLMRequest, LLMRing, Message, ModelRef
from llmring.exceptions import ModelCapabilityError
from llmring.testing import FakeProvider
from llmring_lockfile import Binding, Constraints, Lockfile, Profile

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
