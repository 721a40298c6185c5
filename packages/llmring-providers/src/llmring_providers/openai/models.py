"""What a model's name tells where the registry says nothing."""

from llmring_types import ModelFacts

_REASONING = ("o1", "o3", "o4", "gpt-5")
_NOT_REASONING = ("gpt-5-chat",)


def is_reasoning_model(model: str, facts: ModelFacts | None) -> bool:
    """Whether the limit of output tokens has to leave room for reasoning, and has another name on the wire."""
    if facts is not None and facts.reasoning is not None:
        return facts.reasoning
    name = model.rpartition("/")[2]
    return name.startswith(_REASONING) and not name.startswith(_NOT_REASONING)
