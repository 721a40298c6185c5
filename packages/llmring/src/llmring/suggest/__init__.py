"""Advice computed from facts about models: first aliases for a new lockfile, and models for stated needs.

Pure and deterministic: the same facts give the same advice, and each piece has its reason.
"""

from llmring.suggest._ranking import Preference, Suggestion, Wish, mixed_price, near_misses, suggest_models
from llmring.suggest._roles import ROLES, suggest_aliases

__all__ = [
    "ROLES",
    "Preference",
    "Suggestion",
    "Wish",
    "mixed_price",
    "near_misses",
    "suggest_aliases",
    "suggest_models",
]
