"""Advice computed from what is known of models: first aliases for somebody who has none, and models for stated needs.

Pure and deterministic: the same facts give the same advice, and every piece of it says why.
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
