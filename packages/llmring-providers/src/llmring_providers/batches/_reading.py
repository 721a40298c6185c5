"""JSON of any vendor's batches."""

from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._json import DECODE_ERRORS

T = TypeVar("T")


def decoded(body: bytes, kind: type[T], provider: str) -> T:
    """Read what a vendor says of a batch.

    Raises:
        MalformedResponseError: it is not in the vendor's form.
    """
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except DECODE_ERRORS as error:
        raise MalformedResponseError(
            f"the answer about a batch is not in the form of {provider}: {error}",
            provider=provider,
            original=error,
        ) from error


def malformed(what: str, provider: str) -> MalformedResponseError:
    return MalformedResponseError(what, provider=provider)


def moment(seconds: int | None) -> datetime | None:
    """Return a time that is given in seconds since 1970; ``None`` for one that no calendar has."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def one_line(body: bytes) -> bytes:
    """Return a JSON document without line breaks: no string of it can hold one."""
    return msgspec.json.format(body, indent=-1) if b"\n" in body else body


def is_given(document: msgspec.Raw) -> bool:
    """Return whether there is a document: neither absent nor null."""
    return bytes(document) not in (b"", b"null")
