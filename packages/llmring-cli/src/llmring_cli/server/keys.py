"""Keys for a usage server. It keeps no list of them: a key is whatever its client says, and stands for one account."""

import secrets

_LEAST_SHOWN = 9
_ENDS = 4


def new_key() -> str:
    """Return a key that nobody has: ``llmr_pk_`` and 32 hexadecimal digits."""
    return f"llmr_pk_{secrets.token_hex(16)}"


def masked(key: str) -> str:
    """Return as much of a key as tells it from others: its first and last four characters, of a short one nothing."""
    return "*" * len(key) if len(key) < _LEAST_SHOWN else f"{key[:_ENDS]}…{key[-_ENDS:]}"


def shown(key: str, *, whole: bool) -> str:
    """Return the key as it is printed."""
    return key if whole else masked(key)
