"""Keys of a gateway: which aliases each may use, and what it may spend and how fast; in an SQLite file, hashed."""

from llmring.serve._keys._key import Budget, GatewayKey, KeyState, NewKey
from llmring.serve._keys._store import KeyStore, default_store

__all__ = ["Budget", "GatewayKey", "KeyState", "KeyStore", "NewKey", "default_store"]
