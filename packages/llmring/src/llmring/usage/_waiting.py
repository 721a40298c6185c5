"""Rows that wait beside the log, because another process held it until their own process ended.

Each file has the rows of one process, one JSON object per line. A writer takes them over and deletes the file; two that
do so at once do no harm, since a row is known by its id.
"""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from llmring._json import DECODE_ERRORS
from llmring.usage._entry import UsageEntry

_SUFFIX = ".waiting"
_decoder = msgspec.json.Decoder(UsageEntry)


def put_aside(log: Path, rows: Sequence[UsageEntry]) -> None:
    """Write rows into a file of their own, readable by its owner alone.

    Raises:
        OSError: it cannot be written.
    """
    from llmring_lockfile import write_atomically  # noqa: PLC0415 - seldom needed

    path = log.with_name(f"{log.name}.{secrets.token_hex(8)}{_SUFFIX}")
    write_atomically(path, b"\n".join(map(msgspec.json.encode, rows)) + b"\n", private=True)


def waiting_files(log: Path) -> Iterator[Path]:
    """Yield the files of rows that wait for this log."""
    prefix = f"{log.name}."
    try:
        found = sorted(log.parent.iterdir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(prefix) and path.suffix == _SUFFIX and path.is_file():
            yield path


def waiting_rows(path: Path) -> Iterator[UsageEntry]:
    """Yield the rows of a file; a line that is none is passed over."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:  # another writer has taken it over
        return
    for line in lines:
        try:
            yield _decoder.decode(line)
        except DECODE_ERRORS:
            continue
