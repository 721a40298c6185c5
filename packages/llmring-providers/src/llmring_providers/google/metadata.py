"""What a candidate says beyond the neutral form, gathered over the events of a stream."""

from operator import attrgetter
from typing import Any

import msgspec

from llmring_providers.google.wire import Candidate

_NAMES = {
    field.name: field.encode_name
    for field in msgspec.structs.fields(Candidate)
    if field.name not in ("index", "content", "finish_reason")
}
_values = attrgetter(*_NAMES)
_NOTHING = (None,) * len(_NAMES)


class CandidateMetadata:
    """Citations, grounding, log probabilities, ratings and the like, under Gemini's own names."""

    def __init__(self) -> None:
        self._kept: dict[str, Any] = {}

    def take(self, candidate: Candidate) -> None:
        """Take what one event says."""
        values = _values(candidate)
        if values == _NOTHING:
            return
        for name, value in zip(_NAMES.values(), values, strict=True):
            if value is not None:
                self._kept[name] = _joined(name, self._kept.get(name), value)

    def said(self) -> dict[str, Any]:
        """Return all that was said and is not empty."""
        return {name: value for name, value in self._kept.items() if value not in ({}, [], "")}


def _joined(name: str, old: Any, new: Any) -> Any:
    """Log probabilities and citations are of the event's own text and add up; others hold for the whole answer."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    if name in ("logprobsResult", "citationMetadata"):
        for key in old.keys() & new.keys():
            there = old[key]
            if isinstance(there, list) and isinstance(new[key], list):
                repeated = name == "citationMetadata"
                there += [item for item in new[key] if not (repeated and item in there)]
                new[key] = there
    return {**old, **new}
