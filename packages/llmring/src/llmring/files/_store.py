"""The registered files of a ring, and their copies at providers."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from llmring_providers import ChatCall, Provider
from llmring_providers.files import KeepsFiles, StoredFile
from llmring_types import LLMRequest
from llmring_types.exceptions import (
    LLMRingError,
    ModelCapabilityError,
    ProviderResponseError,
    ValidationError,
)

from llmring._runtime import Clock
from llmring._tasks import Wakeup, run_together
from llmring.files._registered import (
    Content,
    Copy,
    Entry,
    RegisteredFile,
    digest_of,
    inline,
    media_type_at,
    read,
    with_parts,
)

T = TypeVar("T")
_logger = logging.getLogger("llmring.files")
_MAYBE_FORGOTTEN = (400, 403, 404, 410)
"""Statuses of requests that name a file which the provider no longer has."""
_POLL_S = 1.0

Key = tuple[str, str]
"""A provider, and the digest of a content."""


class FileStore:
    """Registers files, uploads each content once to each provider that is asked, and deletes what is out of date.

    Any thread and any event loop may use it. State is in memory: copies outlive the ring unless they are deregistered.

    Args:
        providers: name to provider.
        clock: waits between looks at a file that a provider has not processed yet.
    """

    def __init__(self, providers: Mapping[str, Provider], clock: Clock) -> None:
        self._providers = providers
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._copies: dict[Key, Copy] = {}
        self._stale = set[str]()
        self._waiting: dict[Key, list[Wakeup]] = {}
        self._lock = Lock()

    def register(self, path: str | PathLike[str], file_id: str | None) -> str:
        found = Path(path).absolute()
        name = file_id or f"llmring-file-{uuid4()}"
        entry = Entry(name, found, digest_of(found), datetime.now(UTC))
        replaced = self._entries.get(name)
        if replaced is not None:
            self._stale.add(replaced.digest)  # its copies are deleted by the next call
        self._entries[name] = entry
        return name

    def shown(self) -> list[RegisteredFile]:
        copies = list(self._copies.items())
        return [
            RegisteredFile(
                id=entry.id,
                file_path=str(entry.path),
                content_hash=entry.digest,
                registered_at=entry.registered_at.isoformat(),
                uploads={key[0]: copy.shown() for key, copy in copies if key[1] == entry.digest},
            )
            for entry in list(self._entries.values())
        ]

    async def deregister(self, file_id: str) -> bool:
        entry = self._entries.pop(file_id, None)
        if entry is None:
            return False
        await self._drop(entry.digest)
        return True

    def check(self, request: LLMRequest) -> None:
        """Check the ids of a request.

        Raises:
            ValidationError: an id that is not registered (also a ``ValueError``).
        """
        self._found(request)

    async def inlined(self, request: LLMRequest) -> LLMRequest:
        """Return the request with its files inline, as budgets and counts of tokens look at it.

        Raises:
            ValidationError: an id that is not registered, or a file that is empty or of no known type.
            OSError: a file cannot be read.
        """
        if not request.files:
            return request
        parts = [inline((await _off_loop(read, entry.path)).upload) for entry in self._found(request)]
        return with_parts(request, parts)

    async def send(self, send: Callable[[ChatCall], Coroutine[Any, Any, T]], call: ChatCall) -> T:
        """Send a call with its files; once more where the provider turns out to have forgotten some of them."""
        used: list[Key] = []
        try:
            return await send(await self._placed(call, used))
        except LLMRingError as error:
            status = getattr(error, "status_code", None)
            if status not in _MAYBE_FORGOTTEN or not await self._forget(used):
                raise
        return await send(await self._placed(call, []))

    async def _placed(self, call: ChatCall, used: list[Key]) -> ChatCall:
        parts = [await self._part(entry, call.ref.provider, used) for entry in self._found(call.request)]
        return call._replace(request=with_parts(call.request, parts))

    async def _part(self, entry: Entry, name: str, used: list[Key]) -> dict[str, Any]:
        await self._look(entry)
        provider: object = self._providers[name]
        kind = await _off_loop(media_type_at, entry.path)
        if not isinstance(provider, KeepsFiles) or not provider.takes_file(kind):
            return inline((await _off_loop(read, entry.path)).upload)
        try:
            copy = await self._copy(entry, name, provider)
        except ModelCapabilityError:  # the protocol has files, and this host of it does not
            return inline((await _off_loop(read, entry.path)).upload)
        used.append((name, entry.digest))
        return provider.file_part(copy.stored, kind, entry.path.name)

    async def _look(self, entry: Entry) -> None:
        """Hash the file again, and delete the copies of what files were before."""
        digest = await _off_loop(digest_of, entry.path)
        if digest != entry.digest:
            self._stale.add(entry.digest)
            entry.digest = digest
        while self._stale:
            await self._drop(self._stale.pop())

    async def _copy(self, entry: Entry, name: str, provider: KeepsFiles) -> Copy:
        """Return the copy of a content at a provider; uploaded by the first who asks, while others wait for it."""
        key = (name, entry.digest)
        while True:
            copy = self._copies.get(key)
            if copy is not None and not copy.is_expired(datetime.now(UTC)):
                return copy
            wakeup = self._turn(key)
            if wakeup is None:
                break
            await wakeup.wait()
        try:
            content = await _off_loop(read, entry.path)
            copy = Copy(await self._uploaded(provider, name, content), datetime.now(UTC))
            entry.digest = content.digest  # it may have changed since it was hashed
            self._copies[name, content.digest] = copy
            return copy
        finally:
            with self._lock:
                waiting = self._waiting.pop(key)
            for each in waiting:
                each.set()

    def _turn(self, key: Key) -> Wakeup | None:
        """Return what to wait for; ``None`` where the upload is the caller's."""
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = []
                return None
            wakeup = Wakeup()
            waiting.append(wakeup)
            return wakeup

    async def _uploaded(self, provider: KeepsFiles, name: str, content: Content) -> StoredFile:
        stored = await provider.upload_file(content.upload)
        while stored.state == "processing":
            await self._clock.sleep(_POLL_S)
            found = await provider.get_file(stored.id)
            stored = msgspec.structs.replace(stored, state="failed") if found is None else found
        if stored.state == "failed":
            raise ProviderResponseError(f"could not process {content.upload.name}", provider=name)
        return stored

    async def _forget(self, used: Sequence[Key]) -> bool:
        """Forget the copies that their provider no longer has, and return whether there are any."""
        gone = False
        for key in dict.fromkeys(used):
            provider: object = self._providers[key[0]]
            copy = self._copies.get(key)
            if copy is None:
                gone = True  # another call has found it out, or the file has changed meanwhile
            elif isinstance(provider, KeepsFiles) and await _is_gone(provider, copy):
                gone = True
                if self._copies.get(key) is copy:
                    del self._copies[key]
        return gone

    async def _drop(self, digest: str) -> None:
        """Delete the copies of a content that no registered file has any more."""
        if any(entry.digest == digest for entry in list(self._entries.values())):
            return
        copies = [(key[0], self._copies.pop(key)) for key in list(self._copies) if key[1] == digest]
        await run_together([partial(self._delete, name, copy) for name, copy in copies])

    async def _delete(self, name: str, copy: Copy) -> None:
        try:
            provider: object = self._providers[name]
            if isinstance(provider, KeepsFiles):
                await provider.delete_file(copy.stored.id)
        except (LLMRingError, KeyError) as error:
            _logger.warning("%s at %s was not deleted: %s", copy.stored.id, name, error)

    def _found(self, request: LLMRequest) -> list[Entry]:
        entries = []
        for file_id in request.files or ():
            entry = self._entries.get(file_id)
            if entry is None:
                raise ValidationError(
                    f"no file is registered as {file_id!r}: register_file returns the id", field="files"
                )
            entries.append(entry)
        return entries


async def _is_gone(provider: KeepsFiles, copy: Copy) -> bool:
    """Return whether the provider says that it does not have the file; one that says nothing may have it."""
    try:
        return await provider.get_file(copy.stored.id) is None
    except LLMRingError:
        return False


async def _off_loop(work: Callable[..., T], *args: Any) -> T:
    from anyio import to_thread  # noqa: PLC0415 - only for calls with files

    return await to_thread.run_sync(partial(work, *args))
