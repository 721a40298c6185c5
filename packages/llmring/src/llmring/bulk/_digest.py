"""Digests of requests: what would be sent, to whom, under which lock."""

import struct
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec
from llmring_lockfile import LockedModel
from llmring_providers import ChatCall, EncodedCall, Fingerprint
from llmring_types import LLMRequest

from llmring._chat import Chat
from llmring._routing import Candidate, Route
from llmring.bulk._database import json_text
from llmring.bulk._tasks import typed
from llmring.structured import prepare

_SIZE = 16
_MOST_POOLS = 64
_encode = msgspec.json.Encoder(enc_hook=repr, order="deterministic").encode


@runtime_checkable
class FingerprintsCalls(Protocol):
    """A provider that can show what it would send; third-party ones may have the method too."""

    def fingerprint(self, call: ChatCall) -> Fingerprint:
        """Return the address and the body of the request, without any key."""


@lru_cache(64)
def _fingerprints(kind: type) -> bool:
    """Return whether providers of a type have the method: a protocol is slow to ask."""
    return issubclass(kind, FingerprintsCalls)


class Digest(NamedTuple):
    """The digest of a request, with what was found on the way.

    Attributes:
        content: 16 bytes.
        route: of the request.
        encoded: the request, where its provider shows what it sends.
    """

    content: bytes
    route: Route
    encoded: EncodedCall | None = None


class _Pool(NamedTuple):
    """A pool: its route, the hash of its models and their lock, and the first model that can be asked."""

    route: Route
    hashed: "blake2b"
    candidate: Candidate


class Digests:
    """Digests of the requests of one job.

    Two requests have the same digest where they ask the same pool, locked to the same snapshots, and their bytes on
    the wire are the same.

    Args:
        chat: routes the requests and has the providers.
        locked: the models of the lockfile as they were recorded.
        profile: the lockfile's profile.
    """

    def __init__(self, chat: Chat, locked: Mapping[str, LockedModel], profile: str | None) -> None:
        self._chat = chat
        self._locked = locked
        self._profile = profile
        self._pools: dict[str | None, _Pool] = {}

    async def of(self, request: LLMRequest) -> Digest:
        """Return the digest of a request.

        Raises:
            LLMRingError: the request cannot be sent to any model, or not as it is.
        """
        prepared, _ = prepare(await self.inlined(request))
        return self.of_prepared(prepared)

    async def inlined(self, request: LLMRequest) -> LLMRequest:
        """Return the request with its files in it.

        Raises:
            ValidationError: a file is not registered, or cannot be read.
        """
        if not request.files:
            return request
        try:
            return await self._chat.files.inlined(request)
        except OSError as error:
            raise typed(error) from error

    def of_prepared(self, prepared: LLMRequest) -> Digest:
        """Return the digest of a request as adapters get it, which ``encoded`` then serves.

        Raises:
            LLMRingError: the request cannot be sent to any model, or not as it is.
        """
        route, hashed, candidate = self._pool(prepared.model)
        if candidate.unusable is not None:
            raise candidate.unusable
        digest = hashed.copy()
        provider: Any = self._chat.providers[candidate.ref.provider]
        if _fingerprints(provider.__class__):
            found = provider.fingerprint(ChatCall(prepared, candidate.ref, candidate.facts))
            digest.update(found.content)
            return Digest(digest.digest(), route, found.encoded)
        try:
            digest.update(_encode(prepared))
        except UnicodeError:  # a lone surrogate
            digest.update(json_text(prepared).encode())
        return Digest(digest.digest(), route)

    def _pool(self, model: str | None) -> _Pool:
        route = self._chat.router.route(model, self._profile)
        known = self._pools.get(model)
        if known is not None and known.route is route:
            return known
        hashed = blake2b(digest_size=_SIZE)
        for candidate in route.candidates:
            locked = self._locked.get(str(candidate.ref))
            hashed.update(f"{candidate.ref} {locked and locked.snapshot}\n".encode())
        usable = next((each for each in route.candidates if each.unusable is None), route.candidates[0])
        pool = _Pool(route, hashed, usable)
        if len(self._pools) >= _MOST_POOLS:
            self._pools.clear()
        self._pools[model] = pool
        return pool


def digest_of_text(*parts: str) -> bytes:
    """Return the digest of a row that cannot be sent: of its texts."""
    return blake2b("\0".join(parts).encode(errors="surrogatepass"), digest_size=_SIZE).digest()


class DigestFilter:
    """A Bloom filter of digests, which are random enough to be their own hashes.

    A row of a new job costs no look into the file then. 16 MiB serve a million rows with one needless look in 400.
    """

    def __init__(self) -> None:
        self._flags = bytearray(1 << 24)

    def add(self, digest: bytes) -> None:
        flags = self._flags
        one, two, three, four = _places(digest)
        flags[one & 0xFFFFFF] = flags[two & 0xFFFFFF] = flags[three & 0xFFFFFF] = flags[four & 0xFFFFFF] = 1

    def may_have(self, digest: bytes) -> bool:
        """Return ``False`` for a digest that was surely never added."""
        one, two, three, four = _places(digest)
        flags = self._flags
        return bool(
            flags[one & 0xFFFFFF]
            and flags[two & 0xFFFFFF]
            and flags[three & 0xFFFFFF]
            and flags[four & 0xFFFFFF]
        )


_places = struct.Struct("<4I").unpack
