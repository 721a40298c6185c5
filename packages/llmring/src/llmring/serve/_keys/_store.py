"""The store of keys: made, listed, revoked, looked up."""

import hashlib
import os
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec
from llmring_types.exceptions import ValidationError

from llmring._settings import config_folder
from llmring.serve._keys._database import changing, open_database, reported
from llmring.serve._keys._key import Budget, GatewayKey, KeyState, NewKey, to_dollars
from llmring.serve._keys._ledger import Ledger

if TYPE_CHECKING:
    import sqlite3

_PREFIX = "llmr-"
_SECRET_BYTES = 32
"""256 random bits, so that a plain hash is enough: nobody can try them all."""
_COLUMNS = "id, name, aliases, profile, budget, rpm, tpm, created_at, revoked_at"


def default_store() -> Path | None:
    """Return the file of keys in the user's configuration, ``serve.db``; ``None`` where there is no home."""
    folder = config_folder()
    return None if folder is None else folder / "serve.db"


class KeyStore:
    """Keeps keys and their accounts in one SQLite file that only its owner can read.

    Any number of processes of this machine may use it at the same time: budgets and paces hold for all together. Its
    methods do I/O, of a fraction of a millisecond, and do not await.

    Args:
        path: the file; made if it is not there.
        lazy: leave a file that is not there to the first key, made here or by another process. Until then there are
            no keys.

    Raises:
        ConfigurationError: it cannot be made or opened, or others may read it, or it is something else.
    """

    def __init__(self, path: str | Path, *, lazy: bool = False) -> None:
        self.path = Path(path).expanduser().absolute()
        self._lock = Lock()
        self._ledger: Ledger | None = None
        if not lazy:
            self._open()

    def __repr__(self) -> str:
        return f"KeyStore({str(self.path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._ledger is not None:
            self._ledger.close()
            self._database.close()

    @property
    def ledger(self) -> Ledger:
        """The accounts of the keys."""
        return self._ledger or self._open()

    @property
    def _database(self) -> "sqlite3.Connection":
        return self.ledger.database

    def _open(self) -> Ledger:
        """Open the file, or make it."""
        with self._lock:
            if self._ledger is None:
                self._ledger = Ledger(open_database(self.path), self._lock, self.path)
            return self._ledger

    def _is_there(self) -> bool:
        """Return whether there is a file. What is there and no file of ours is an error at the first question."""
        return self._ledger is not None or os.path.lexists(self.path)

    @property
    def in_use(self) -> bool:
        """True once a key was made: from then on nobody comes in without one."""
        return self._is_there() and self._row("SELECT 1 FROM key LIMIT 1") is not None

    def create(
        self,
        name: str = "",
        *,
        aliases: Iterable[str] = (),
        profile: str | None = None,
        budget: Budget | str | None = None,
        rpm: int | None = None,
        tpm: int | None = None,
    ) -> NewKey:
        """Make a key. Its secret is in the answer and nowhere else.

        Args:
            name: for people.
            aliases: those that it may use; none means all.
            profile: the only profile that it may use.
            budget: dollars for each period: ``Budget``, or text such as ``20/month``.
            rpm: requests within any 60 seconds.
            tpm: tokens within any 60 seconds.

        Raises:
            ValidationError: a limit is no number above 0 (also a ``ValueError``).
            ConfigurationError: the file cannot be written.
        """
        key = GatewayKey(
            id=secrets.token_hex(6),
            name=name,
            aliases=tuple(aliases),
            profile=profile,
            budget=Budget.parse(budget) if isinstance(budget, str) else budget,
            rpm=rpm,
            tpm=tpm,
            created_at=_now(),
        )
        secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        limits = None if key.budget is None else f"{key.budget.limit}/{key.budget.period}"
        aliases_text = msgspec.json.encode(key.aliases).decode()
        row = (key.id, _digest(secret), name, aliases_text, profile, limits, rpm, tpm, key.created_at)
        database = self._database
        with reported(self.path), self._lock:
            database.execute("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
        return NewKey(key, secret)

    def revoke(self, key_id: str) -> GatewayKey:
        """Refuse a key from now on, in every process; its account stays.

        Raises:
            ValidationError: there is no key of this id (also a ``ValueError``).
        """
        database = self._database
        with reported(self.path), self._lock, changing(database):
            database.execute(
                "UPDATE key SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?", (_now(), key_id)
            )
        row = self._row(f"SELECT {_COLUMNS} FROM key WHERE id = ?", key_id)  # noqa: S608 - names of columns
        if row is None:
            raise ValidationError(f"there is no key {key_id!r} in {self.path}")
        return _key(row)

    def find(self, secret: str) -> GatewayKey | None:
        """Return the key of a secret; ``None`` for one that is unknown or revoked."""
        if not self._is_there():
            return None
        row = self._row(f"SELECT {_COLUMNS} FROM key WHERE digest = ?", _digest(secret))  # noqa: S608
        return None if row is None or row[-1] is not None else _key(row)

    def states(self) -> list[KeyState]:
        """Return every key, the oldest first, with its account."""
        if not self._is_there():
            return []
        database = self._database
        with reported(self.path), self._lock:
            rows = database.execute(f"SELECT {_COLUMNS} FROM key ORDER BY created_at, id").fetchall()  # noqa: S608
        return [self._state(_key(row)) for row in rows]

    def _state(self, key: GatewayKey) -> KeyState:
        if key.budget is None:
            return KeyState(key=key)
        period = key.budget.current()
        spent, withheld, _, held = self.ledger.totals(key.id, period)
        return KeyState(
            key=key,
            period=period,
            spent=to_dollars(spent),
            reserved=to_dollars(sum(held.values())),
            withheld=to_dollars(withheld),
        )

    def _row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        database = self._database
        with reported(self.path), self._lock:
            row: tuple[Any, ...] | None = database.execute(statement, values).fetchone()
        return row


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _key(row: tuple[Any, ...]) -> GatewayKey:
    identity, name, aliases, profile, limits, rpm, tpm, created_at, revoked_at = row
    budget = None
    if limits is not None:
        amount, _, period = limits.partition("/")
        budget = Budget(Decimal(amount), period)
    return GatewayKey(
        id=identity,
        name=name,
        aliases=msgspec.json.decode(aliases, type=tuple[str, ...]),
        profile=profile,
        budget=budget,
        rpm=rpm,
        tpm=tpm,
        created_at=created_at,
        revoked_at=revoked_at,
    )
