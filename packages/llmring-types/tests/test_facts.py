from typing import get_type_hints

from llmring_types import CAPABILITIES, ModelFacts


def test_the_list_of_capabilities_has_every_yes_or_no_of_the_facts_but_whether_a_model_is_served() -> None:
    hints = get_type_hints(ModelFacts)
    assert list(CAPABILITIES) == [
        name for name, hint in hints.items() if hint == bool | None and name != "active"
    ]


def test_only_what_is_known_to_be_so_is_a_capability() -> None:
    facts = ModelFacts(provider="p", model="m", tools=True, vision=False, audio=None, active=True)
    assert facts.capabilities == ("tools",)
