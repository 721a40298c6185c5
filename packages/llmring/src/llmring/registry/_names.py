"""Finding a model by the names that people and providers use for it.

Exact names win over aliases: a snapshot that has an entry of its own may also stand, at another price, among
the aliases of a later one. A name that is neither is tried without what does not change the model: Google's
``models/``, the date or number of a snapshot, ``-latest``. A name without a date finds the model's newest
snapshot.
"""

import re
from collections.abc import Iterable

from llmring_types import ModelFacts

# gpt-4o-2024-08-06, claude-sonnet-4-5-20250929, gemini-2.5-flash-preview-09-2025, gemini-2.5-flash-preview-05-20
_DATE = re.compile(r"-20\d\d-[01]\d-[0-3]\d$|-20\d\d[01]\d[0-3]\d$|(?<=-preview)-[01]\d-(?:20\d\d|[0-3]\d)$")
# gemini-2.0-flash-001: https://ai.google.dev/gemini-api/docs/models#model-versions
_REVISION = re.compile(r"-00\d$")


class Names:
    """The names of one provider's models; each :meth:`find` is a few dictionary look-ups."""

    def __init__(self, models: Iterable[ModelFacts]) -> None:
        self._known: dict[str, ModelFacts] = {}
        self._newest: dict[str, ModelFacts] = {}
        # The last one written wins: exact names over aliases, served models over retired ones, newer over older.
        ranked = sorted(models, key=lambda facts: (facts.active is not False, facts.model))
        for facts in ranked:
            self._known.update(dict.fromkeys(facts.aliases, facts))
        for facts in ranked:
            self._known[facts.model] = facts
            base = _DATE.sub("", facts.model)
            if base != facts.model:
                self._newest[base] = facts

    def exact(self, name: str) -> ModelFacts | None:
        """Find a model by its own name or one of its aliases."""
        return self._known.get(name.removeprefix("models/"))

    def find(self, name: str) -> ModelFacts | None:
        """Find a model by any of the names described above."""
        name = name.removeprefix("models/")
        known = self._known
        found = known.get(name) or known.get(_DATE.sub("", name)) or known.get(_REVISION.sub("", name))
        if found is None:
            base = name.removesuffix("-latest")
            found = known.get(base) or self._newest.get(base)
        return found
