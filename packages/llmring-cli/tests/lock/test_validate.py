"""lock validate."""

import json
from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]


def test_models_that_are_known_and_served_pass(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o-mini,ollama:llama3:8b")
    code, out, _ = llmring("lock", "validate")
    assert code == 0
    assert out == "default\tfast\topenai:gpt-4o-mini\tok\ndefault\tfast\tollama:llama3:8b\tok\n"


def test_every_member_of_every_pool_of_every_profile_is_checked(llmring: Run) -> None:
    llmring("bind", "fast", "openai:gpt-4o-mini")
    llmring("bind", "deep", "openai:gpt-4o,openai:gpt-99", "--profile", "prod")
    code, out, _ = llmring("lock", "validate", "--json")
    assert code == 1
    assert {row["model"]: row["problem"] for row in json.loads(out)} == {
        "openai:gpt-4o-mini": None,
        "openai:gpt-4o": None,
        "openai:gpt-99": "not in the registry",
    }
