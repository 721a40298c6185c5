"""Keys in a hash of Redis: the digest of each secret with its key, and the moment when it was revoked."""

import msgspec
from llmring_types.exceptions import ConfigurationError

from llmring.serve._keys._key import GatewayKey, KeyStoreUnavailableError
from llmring.serve._keys._ledger import Totals
from llmring.serve._keys._redis import scripts
from llmring.serve._keys._redis.ledger import PREFIX, RedisLedger
from llmring.serve._keys._redis.link import Link
from llmring.serve._keys._redis.server import Server

_KEYS = f"{PREFIX}keys"
_REVOKED = b":revoked"
_EXISTS = "return redis.call('EXISTS', KEYS[1])"


class RedisKeys:
    """Keeps keys, and the ledger of their accounts.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.

    Attributes:
        address: of the server, without its password.

    Raises:
        ConfigurationError: it is no address.
        MissingSDKError: the client of Redis is not installed.
    """

    def __init__(self, url: str) -> None:
        self._server = Server(url)
        self._link = Link(self._server)
        self.address = self._server.address
        self.ledger = RedisLedger(self._server, self._link)

    @property
    def in_use(self) -> bool:
        return bool(self._server.run((_EXISTS, (_KEYS,), ())))

    async def is_in_use(self) -> bool:
        return bool(await self._link.run((_EXISTS, (_KEYS,), ())))

    def add(self, digest: bytes, key: GatewayKey) -> None:
        text = msgspec.json.encode(key)
        self._server.ask(lambda: self._server.direct.hset(_KEYS, digest.hex(), text))

    def revoke(self, key_id: str, moment: str) -> GatewayKey | None:
        for digest, key in self._entries():
            if key.id == key_id:
                field = digest + _REVOKED
                self._server.ask(lambda: self._server.direct.hsetnx(_KEYS, field, moment))  # noqa: B023 - at once
                return self.find(bytes.fromhex(digest.decode()))
        return None

    def find(self, digest: bytes) -> GatewayKey | None:
        return self._found(self._server.run((scripts.FIND, (_KEYS,), (digest.hex(),))))

    async def look_up(self, digest: bytes) -> GatewayKey | None:
        return self._found(await self._link.run((scripts.FIND, (_KEYS,), (digest.hex(),))))

    def all(self) -> list[GatewayKey]:
        second, _ = self._server.ask(self._server.direct.time)
        self.ledger.set_clock(second)
        return sorted((key for _, key in self._entries()), key=lambda key: (key.created_at, key.id))

    def totals(self, key: str, period: str) -> Totals:
        return self.ledger.totals(key, period)

    def problems(self) -> list[str]:
        """Return what is wrong with the settings of the server.

        Raises:
            ConfigurationError: it is a node of a cluster, or a replica, or cannot be reached.
        """
        try:
            found = self._server.ask(self._server.direct.info)
        except KeyStoreUnavailableError as error:
            if "NoPermissionError" not in error.message:
                raise
            return [
                (
                    f"the settings of Redis at {self.address} may not be read (INFO is forbidden): check that maxmemory-policy is "
                    "noeviction and appendonly is yes"
                )
            ]
        if found.get("role") == "slave":
            raise ConfigurationError(
                f"Redis at {self.address} is a replica, which takes no writes: name its primary"
            )
        if found.get("cluster_enabled"):
            raise ConfigurationError(
                f"{self.address} is a node of a Redis Cluster, which cannot hold keys of a gateway: use one server "
                "(with replicas, if you like)"
            )
        problems = []
        policy = found.get("maxmemory_policy", "noeviction")
        if found.get("maxmemory") and policy != "noeviction":
            problems.append(
                f"Redis at {self.address} may evict keys and budgets when its memory is full (maxmemory-policy "
                f"{policy}): set maxmemory-policy noeviction"
            )
        if not found.get("aof_enabled"):
            problems.append(
                f"Redis at {self.address} may lose keys and what they have spent when it restarts: set appendonly yes"
            )
        return problems

    async def check(self) -> None:
        await self.is_in_use()

    def close(self) -> None:
        self.ledger.leave()
        self._link.close()

    async def aclose(self) -> None:
        self.ledger.leave()
        await self._link.aclose()

    def _entries(self) -> list[tuple[bytes, GatewayKey]]:
        """Return the digests and their keys."""
        found: dict[bytes, bytes] = self._server.ask(lambda: self._server.direct.hgetall(_KEYS))
        return [
            (digest, _key(text, found.get(digest + _REVOKED)))
            for digest, text in found.items()
            if not digest.endswith(_REVOKED)
        ]

    def _found(self, answer: tuple[bytes, bytes | None, bytes | None]) -> GatewayKey | None:
        second, text, revoked = answer
        self.ledger.set_clock(int(second))
        return None if text is None else _key(text, revoked)


def _key(text: bytes, revoked: bytes | None) -> GatewayKey:
    key = msgspec.json.decode(text, type=GatewayKey)
    return key if revoked is None else msgspec.structs.replace(key, revoked_at=revoked.decode())
