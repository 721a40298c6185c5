"""``lock scan`` finds aliases where the ring takes them: its list and the ring's signatures are the same."""

import inspect

from llmring import LLMRing
from llmring_lockfile import ALIAS_PARAMETERS

NAMES_OF_ALIASES = {"alias", "alias_or_model", "aliases", "model"}
EDITS = {"bind_alias", "unbind_alias"}
"""These make and remove an alias: nothing has to be bound before."""


def test_every_method_that_looks_an_alias_up_is_known_with_its_parameter() -> None:
    taking: dict[str, str] = {}
    for name, method in inspect.getmembers(LLMRing, inspect.isfunction):
        names = [*inspect.signature(method).parameters][1:]
        if not name.startswith("_") and name not in EDITS and NAMES_OF_ALIASES.intersection(names):
            taking[name] = names[0]
    assert taking == ALIAS_PARAMETERS
    assert NAMES_OF_ALIASES.issuperset(taking.values())
