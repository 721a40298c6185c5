"""Fetched documents on disk, so that a new process need not ask again.

One folder per registry, so that two registries never answer for each other; one file per document, with its address and
the time of its fetch. Files are replaced whole. One that cannot be read is not a copy, and a folder that cannot
be written makes the copies last only as long as the process.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from llmring._json import DECODE_ERRORS
from llmring.registry._location import Location, document_path

_Seconds = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""Seconds since 1970, up to the last year that a date can have."""


class CachedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it was fetched. Times are seconds since 1970.

    Attributes:
        url: its address.
        fetched_at: the time of the fetch.
        checked_at: the time at which the registry last confirmed it.
        etag: the registry's tag of the bytes.
        last_modified: the registry's date of the bytes, as it wrote it.
        document: the JSON.
    """

    url: str
    fetched_at: _Seconds
    checked_at: _Seconds
    document: msgspec.Raw
    etag: str | None = None
    last_modified: str | None = None


_decoder = msgspec.json.Decoder(CachedCopy)


def default_cache_dir(environ: Mapping[str, str]) -> Path | None:
    """Return the user's cache folder for registries: below ``XDG_CACHE_HOME``, else below ``~/.cache``.

    ``None`` where the user has no home, or ``HOME`` is relative and would lie in the working directory.
    """
    base = Path(environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the specification says to ignore a relative one
        return base / "llmring" / "registry"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    return home / ".cache" / "llmring" / "registry" if home.is_absolute() else None


class RegistryCache:
    """The cached documents of one registry.

    Args:
        folder: the cache folder of all registries; ``None`` keeps copies in memory only.
        location: the registry.
    """

    def __init__(self, folder: Path | None, location: Location) -> None:
        self.folder = folder
        self._location = location
        self._unwritten: dict[str, CachedCopy] = {}

    def path(self, provider: str, version: int | None = None) -> Path | None:
        """Return the file of a document."""
        if self.folder is None:
            return None
        import hashlib  # noqa: PLC0415 - slow to import, and most machines have no copies to look for

        document_path(provider, version)  # raises for what must not become a file name
        key = hashlib.sha256(self._location.base.encode()).hexdigest()[:16]
        return self.folder / key / (f"{provider}.json" if version is None else f"{provider}-v{version}.json")

    def load(self, provider: str, version: int | None = None) -> CachedCopy | None:
        """Return the copy of a document; ``None`` where there is none that can be read."""
        url = self._location.document(provider, version)
        path = self.path(provider, version) if self._has_copies() else None
        if path is not None:
            copy = _read(path)
            if copy is not None and copy.url == url:
                return copy
        return self._unwritten.get(url)

    def store(self, provider: str, copy: CachedCopy, version: int | None = None) -> None:
        """Keep a copy, on disk if possible, in memory if not."""
        path = self.path(provider, version)
        if path is None or not _write(path, msgspec.json.encode(copy)):
            self._unwritten[copy.url] = copy

    def copies(self) -> Iterator[tuple[Path, CachedCopy]]:
        """Yield every copy on disk of every registry, with its file."""
        for path in sorted(self.folder.glob("*/*.json")) if self.folder is not None else ():
            copy = _read(path)
            if copy is not None:
                yield path, copy

    def clear(self) -> int:
        """Delete every copy of every registry and return how many there were.

        Raises:
            OSError: a file cannot be deleted.
        """
        self._unwritten.clear()
        paths = list(self.folder.glob("*/*.json")) if self.folder is not None else []
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    def _has_copies(self) -> bool:
        return self.folder is not None and self.folder.is_dir()


def _read(path: Path) -> CachedCopy | None:
    """Return the copy in a file; ``None`` where it holds none, or is no file that ends."""
    try:
        return _decoder.decode(path.read_bytes()) if path.is_file() else None
    except (OSError, *DECODE_ERRORS):
        return None


def _write(path: Path, data: bytes) -> bool:
    """Replace a file whole; return whether that worked."""
    from llmring_lockfile import write_atomically  # noqa: PLC0415 - most processes fetch nothing

    try:
        write_atomically(path, data, folders=True)
    except OSError:
        return False
    return True
