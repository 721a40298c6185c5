"""The store of keys: made, listed, revoked, looked up."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

from llmring_types.exceptions import ValidationError

from llmring._settings import config_folder
from llmring.serve._keys._file_keys import FileKeys
from llmring.serve._keys._key import Budget, GatewayKey, KeyState, NewKey, to_dollars
from llmring.serve._keys._ledger import Ledger, Totals

_PREFIX = "llmr-"
_SECRET_BYTES = 32
"""256 random bits, so that a plain hash is enough: nobody can try them all."""


def default_store() -> Path | None:
    """Return the file of keys in the user's configuration, ``serve.db``; ``None`` where there is no home."""
    folder = config_folder()
    return None if folder is None else folder / "serve.db"


class _Keys(Protocol):
    """Keeps keys by the hash of their secrets, and the ledger of their accounts."""

    @property
    def ledger(self) -> Ledger:
        """The accounts."""

    @property
    def in_use(self) -> bool:
        """True once a key was made."""

    async def is_in_use(self) -> bool:
        """Return the same without holding up the event loop."""

    def add(self, digest: bytes, key: GatewayKey) -> None:
        """Keep a new key."""

    def revoke(self, key_id: str, moment: str) -> GatewayKey | None:
        """Mark a key as revoked, since the first time that it was; return ``None`` where there is none."""

    def find(self, digest: bytes) -> GatewayKey | None:
        """Return a key, also one that was revoked."""

    async def look_up(self, digest: bytes) -> GatewayKey | None:
        """Return the same without holding up the event loop."""

    def all(self) -> list[GatewayKey]:
        """Return every key, the oldest first."""

    def totals(self, key: str, period: str) -> Totals:
        """Return the account of a key."""

    def problems(self) -> list[str]:
        """Return how the store may lose what it keeps, and what to do about it."""

    async def check(self) -> None:
        """Raise the error that a request with a key would meet."""

    def close(self) -> None:
        """Write what is left, and close."""

    async def aclose(self) -> None:
        """Do the same without holding up the event loop."""


class KeyStore:
    """Keeps keys and their accounts in an SQLite file that only its owner can read, or in Redis or Valkey.

    Any number of processes may use it at the same time, those of one machine a file, those of several machines Redis:
    budgets and paces hold for all together. The methods that do not await do I/O, of a fraction of a millisecond in a
    file; within an event loop, call those of a store in Redis in a thread.

    Args:
        path: the file, made if it is not there; or ``redis://``, ``rediss://`` or ``unix://`` with the address of
            Redis (extra ``redis``). Gateways over Redis run on asyncio.
        lazy: leave a file that is not there to the first key, made here or by another process. Until then there are
            no keys.

    Attributes:
        path: the file; ``None`` for Redis.

    Raises:
        ConfigurationError: it cannot be made or opened, or others may read it, or it is something else.
        MissingSDKError: the client of Redis is not installed.
    """

    def __init__(self, path: str | Path, *, lazy: bool = False) -> None:
        self.path: Path | None = None
        self._was_used = False
        self._keys: _Keys
        # Any address, so that one with a slip in it is an error, not a file that is named after its password.
        if isinstance(path, str) and "://" in path:
            from llmring.serve._keys._redis import RedisKeys  # noqa: PLC0415 - an extra

            self._keys = redis = RedisKeys(path)
            self._shown = redis.address
        else:
            self.path = Path(path).expanduser().absolute()
            self._keys = FileKeys(self.path, lazy=lazy)
            self._shown = str(self.path)

    def __repr__(self) -> str:
        return f"KeyStore({self._shown!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def close(self) -> None:
        """Close the store, once the gateway has ended."""
        self._keys.close()

    async def aclose(self) -> None:
        """Close the store of a gateway that has ended, in its event loop."""
        await self._keys.aclose()

    @property
    def ledger(self) -> Ledger:
        """The accounts of the keys."""
        return self._keys.ledger

    @property
    def in_use(self) -> bool:
        """True once a key was made: from then on nobody comes in without one.

        It stays true where the store has lost its keys since this process saw one (a Redis that keeps nothing on disk
        has restarted, say): a gateway that asks for keys never opens by itself.
        """
        self._was_used = self._keys.in_use or self._was_used
        return self._was_used

    async def is_in_use(self) -> bool:
        """Return whether a key was made, as :attr:`in_use` does, within an event loop."""
        self._was_used = await self._keys.is_in_use() or self._was_used
        return self._was_used

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
            ConfigurationError: the store cannot be written.
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
        self._keys.add(_digest(secret), key)
        self._was_used = True
        return NewKey(key, secret)

    def revoke(self, key_id: str) -> GatewayKey:
        """Refuse a key from now on, in every process; its account stays.

        Raises:
            ValidationError: there is no key of this id (also a ``ValueError``).
        """
        found = self._keys.revoke(key_id, _now())
        if found is None:
            raise ValidationError(f"there is no key {key_id!r} in {self._shown}")
        return found

    def find(self, secret: str) -> GatewayKey | None:
        """Return the key of a secret; ``None`` for one that is unknown or revoked."""
        return _valid(self._keys.find(_digest(secret)))

    async def look_up(self, secret: str) -> GatewayKey | None:
        """Return the key of a secret, as :meth:`find` does, within an event loop."""
        found = await self._keys.look_up(_digest(secret))
        self._was_used = self._was_used or found is not None
        return _valid(found)

    def states(self) -> list[KeyState]:
        """Return every key, the oldest first, with its account."""
        return [self._state(key) for key in self._keys.all()]

    def problems(self) -> list[str]:
        """Return how this store may lose keys and accounts, and what to do about it; nothing where all is well.

        Raises:
            ConfigurationError: the store cannot be used.
        """
        return self._keys.problems()

    async def check(self) -> None:
        """Ask the store whether it can be used.

        Raises:
            ConfigurationError: it cannot.
        """
        await self._keys.check()

    def _state(self, key: GatewayKey) -> KeyState:
        if key.budget is None:
            return KeyState(key=key)
        ledger = self.ledger
        period, unit = key.budget.current(ledger.now()), ledger.per_dollar
        totals = self._keys.totals(key.id, period)
        return KeyState(
            key=key,
            period=period,
            spent=to_dollars(totals.spent, unit),
            reserved=to_dollars(totals.own + totals.others, unit),
            withheld=to_dollars(totals.withheld, unit),
        )


def _valid(key: GatewayKey | None) -> GatewayKey | None:
    return None if key is None or key.revoked_at is not None else key


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
