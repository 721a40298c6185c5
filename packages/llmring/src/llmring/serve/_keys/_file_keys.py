"""Keys in an SQLite file that only its owner can read."""

import os
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from llmring.serve._keys._database import Database
from llmring.serve._keys._file_ledger import FileLedger
from llmring.serve._keys._key import Budget, GatewayKey
from llmring.serve._keys._ledger import Totals

_COLUMNS = "id, name, aliases, profile, budget, rpm, tpm, created_at, revoked_at"


class FileKeys:
    """Keeps keys, and the ledger of their accounts.

    Args:
        path: the file; made if it is not there.
        lazy: leave a file that is not there to the first key, made here or by another process.

    Raises:
        ConfigurationError: it cannot be made or opened, or others may read it, or it is something else.
    """

    def __init__(self, path: Path, *, lazy: bool) -> None:
        self._path = path
        self._opening = Lock()
        self._opened: tuple[Database, FileLedger] | None = None
        if not lazy:
            self._open()

    @property
    def ledger(self) -> FileLedger:
        return self._open()[1]

    @property
    def in_use(self) -> bool:
        return self._is_there() and self._row("SELECT 1 FROM key LIMIT 1") is not None

    async def is_in_use(self) -> bool:
        return self.in_use

    def add(self, digest: bytes, key: GatewayKey) -> None:
        limits = None if key.budget is None else f"{key.budget.limit}/{key.budget.period}"
        aliases = msgspec.json.encode(key.aliases).decode()
        row = (key.id, digest, key.name, aliases, key.profile, limits, key.rpm, key.tpm, key.created_at)
        with self._database as connection:
            connection.execute("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)

    def revoke(self, key_id: str, moment: str) -> GatewayKey | None:
        with self._database.change() as connection:
            connection.execute(
                "UPDATE key SET revoked_at = COALESCE(revoked_at, ?) WHERE id = ?", (moment, key_id)
            )
        row = self._row(f"SELECT {_COLUMNS} FROM key WHERE id = ?", key_id)  # noqa: S608 - names of columns
        return None if row is None else _key(row)

    def find(self, digest: bytes) -> GatewayKey | None:
        if not self._is_there():
            return None
        row = self._row(f"SELECT {_COLUMNS} FROM key WHERE digest = ?", digest)  # noqa: S608 - as above
        return None if row is None else _key(row)

    async def look_up(self, digest: bytes) -> GatewayKey | None:
        return self.find(digest)

    def all(self) -> list[GatewayKey]:
        if not self._is_there():
            return []
        with self._database as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM key ORDER BY created_at, id").fetchall()  # noqa: S608
        return [_key(row) for row in rows]

    def totals(self, key: str, period: str) -> Totals:
        return self.ledger.totals(key, period)

    def problems(self) -> list[str]:
        return []

    async def check(self) -> None:
        if self._is_there():
            self._row("SELECT 1 FROM key LIMIT 1")

    def close(self) -> None:
        if self._opened is not None:
            self._opened[1].close()

    async def aclose(self) -> None:
        self.close()

    @property
    def _database(self) -> Database:
        return self._open()[0]

    def _open(self) -> tuple[Database, FileLedger]:
        """Open the file, or make it."""
        if self._opened is None:
            with self._opening:
                if self._opened is None:
                    database = Database(self._path)
                    self._opened = database, FileLedger(database)
        return self._opened

    def _is_there(self) -> bool:
        """Return whether there is a file. What is there and no file of ours is an error at the first question."""
        return self._opened is not None or os.path.lexists(self._path)

    def _row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        with self._database as connection:
            row: tuple[Any, ...] | None = connection.execute(statement, values).fetchone()
        return row


@lru_cache(4096)
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
