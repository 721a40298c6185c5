"""Keys of a gateway: which aliases each may use, and what it may spend and how fast; hashed, in a file or in Redis."""

from llmring.serve._keys._key import Budget, GatewayKey, KeyState, KeyStoreUnavailableError, NewKey
from llmring.serve._keys._ledger import Ledger
from llmring.serve._keys._store import KeyStore, default_store

__all__ = [
    "Budget",
    "GatewayKey",
    "KeyState",
    "KeyStore",
    "KeyStoreUnavailableError",
    "Ledger",
    "NewKey",
    "default_store",
]
