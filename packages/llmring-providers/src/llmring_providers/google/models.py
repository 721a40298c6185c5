"""Properties of Gemini's models, derived from their names: the path, and the rules of their generation."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from llmring_providers._fit.models import ModelRules, rules_of
from llmring_providers._fit.names import NameRule

NAMES = NameRule(taken=re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"), refused=re.compile(r"[^a-zA-Z0-9_.:-]"))
"""Of functions: https://ai.google.dev/api/caching#FunctionDeclaration"""

NO_SIGNATURE = "skip_thought_signature_validator"
"""For calls that another model made: https://ai.google.dev/gemini-api/docs/thought-signatures#faqs"""

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_COLLECTIONS = ("models/", "tunedModels/", "publishers/", "projects/", "endpoints/")
_NEWEST = (99, 0)
"""The version assumed of ``gemini-flash-latest``, tuned models and names without a version."""


class GeminiModel(NamedTuple):
    """A model as it stands in a path.

    Attributes:
        path: its resource name, quoted.
        version: ``(3, 1)`` for ``gemini-3.1-pro``.
        is_pro: of the large line, which thinks always.
        on_vertex: named by a resource of Vertex AI.
        rules: what it takes.
    """

    path: str
    version: tuple[int, int]
    is_pro: bool
    on_vertex: bool
    rules: ModelRules

    @property
    def thinks(self) -> bool:
        """True if it takes a thinking configuration; older ones refuse it."""
        return bool(self.rules.reasons)

    @property
    def takes_levels(self) -> bool:
        """True if effort is a level rather than a budget: https://ai.google.dev/gemini-api/docs/thinking"""
        return bool(self.rules.efforts)

    @property
    def combines_tools(self) -> bool:
        """True if functions go together with JSON answers, with hosted tools, and with media in their results."""
        return bool(self.rules.combines_tools)

    @property
    def checks_signatures(self) -> bool:
        """True if a function call of the history without a thought signature is refused."""
        return bool(self.rules.checks_signatures)

    @property
    def fetches_urls(self) -> bool:
        """True if it reads files from public URLs: https://ai.google.dev/gemini-api/docs/file-input-methods"""
        return self.on_vertex or bool(self.rules.fetches_urls)


@lru_cache(maxsize=256)
def model_of(name: str) -> GeminiModel:
    """Read a model's name: plain, as a resource (``models/M``, ``tunedModels/M``, a Vertex path), or ``gemini:M``."""
    name = name.removeprefix("gemini:").strip("/")
    bare = name.rpartition("/")[2]
    found = _VERSION.match(bare)
    return GeminiModel(
        path=quote(name if name.startswith(_COLLECTIONS) else f"models/{name}", safe="/:@"),
        version=(int(found[1]), int(found[2] or 0)) if found else _NEWEST,
        is_pro="-pro" in bare,
        on_vertex=name.startswith(("publishers/", "projects/", "endpoints/")),
        rules=rules_of("google", bare),
    )
