"""Which models are worth suggesting at all, and what their names tell of their age."""

import re
from collections.abc import Iterable, Sequence

from llmring_types import ModelFacts

_CHAT_APIS = frozenset({None, "chat", "generateContent"})
_SPECIAL = re.compile(
    r"preview|latest|audio|realtime|live|tts|image|embedding|robotics|computer|search|codex|instruct|research|-pro\b"
)
"""Names of special purposes and of moving targets."""
_DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
_NUMBER = re.compile(r"\d+(?:[.-]\d+)?")


def choosable(models: Iterable[ModelFacts]) -> list[ModelFacts]:
    """Leave out what is not for chat or not here to stay, and dated snapshots whose plain name is there as well."""
    found = [facts for facts in models if _is_general(facts)]
    names = {(facts.provider, facts.model) for facts in found}
    return [
        facts
        for facts in found
        if _plain(facts) == facts.model or (facts.provider, _plain(facts)) not in names
    ]


def generation(facts: ModelFacts) -> tuple[int, ...]:
    """Return the version in the name; ``()`` where there is none."""
    found = _NUMBER.search(facts.model)
    return tuple(int(part) for part in re.split(r"[.-]", found[0])) if found else ()


def newest(models: Sequence[ModelFacts]) -> list[ModelFacts]:
    """Return those of the newest generation."""
    latest = max(map(generation, models))
    return [facts for facts in models if generation(facts) == latest]


def _is_general(facts: ModelFacts) -> bool:
    return (
        facts.active is not False
        and facts.retires_on is None
        and facts.api in _CHAT_APIS
        and facts.model == facts.model.lower()
        and _SPECIAL.search(facts.model) is None
    )


def _plain(facts: ModelFacts) -> str:
    return _DATE.sub("", facts.model)
