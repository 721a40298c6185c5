"""What is said beyond the neutral form is noticed wherever it stands."""

import pytest
from llmring_providers.openai.chat.wire import (
    CHOICE_EXTRAS,
    COMPLETION_EXTRAS,
    MESSAGE_EXTRAS,
    Choice,
    Completion,
    WireMessage,
)

PLACES: list[tuple[type[Completion | Choice | WireMessage], tuple[str, ...]]] = [
    (Completion, COMPLETION_EXTRAS),
    (Choice, CHOICE_EXTRAS),
    (WireMessage, MESSAGE_EXTRAS),
]


@pytest.mark.parametrize(("place", "name"), [(place, name) for place, names in PLACES for name in names])
def test_each_of_them_is_noticed_alone(place: type[Completion | Choice | WireMessage], name: str) -> None:
    said = place()
    assert not said.has_extras()
    setattr(said, name, ["said"])
    assert said.has_extras()
