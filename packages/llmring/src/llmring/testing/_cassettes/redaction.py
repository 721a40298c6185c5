"""Takes secrets out of what is recorded."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from llmring_providers.transport import HttpRequest

from llmring.testing._cassettes.cassette import Asked
from llmring.testing._cassettes.credentials import SHORTEST, is_credential, is_credential_field
from llmring.testing._cassettes.edits import Edit, edited
from llmring.testing._cassettes.spellings import Spellings
from llmring.testing._cassettes.spoken import respoken

REDACTED = "REDACTED"

_KEY_SHAPES = re.compile(rb"(?<![A-Za-z0-9])(?:sk-|gsk_|xai-|AIza)[\w-]{20,}", re.ASCII)
"""Keys of the providers and of hosts that copy them, whoever they belong to."""

_OF_THE_CONNECTION = frozenset(
    ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding")
)
"""Headers about bytes that a transport has unpacked already."""

_OF_THE_ACCOUNT = frozenset(("anthropic-organization-id", "openai-organization", "openai-project"))

_PARAMETER = re.compile(r"([^&=]+)=([^&]*)")


class Redactor:
    """Replaces secrets, in whatever form and wherever they stand.

    Args:
        secrets: short ones are left alone, but for the places that are known to hold a secret.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings = _spellings(frozenset(secret for secret in secrets if len(secret) >= SHORTEST))

    def text(self, text: str) -> str:
        return b"".join(self.pieces([text.encode()])).decode()

    def pieces(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the pieces of one text without secrets, also without those that lie across several pieces."""
        kept = list(pieces)
        for spans in (self._spellings.spans, _key_shapes):
            edits = [Edit(start, end, REDACTED.encode()) for start, end in spans(b"".join(kept))]
            if edits:
                kept = edited(kept, edits)
        return kept

    def body(self, pieces: Sequence[bytes]) -> list[bytes]:
        """Return the pieces of an answer's body without secrets, also without those that a stream spells out."""
        kept = self.pieces(pieces)
        return [piece for piece in edited(kept, respoken(b"".join(kept), self.pieces)) if piece]

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of an answer that say something of the answer."""
        lower = {name.lower(): value for name, value in headers.items()}
        return {
            name: REDACTED if name in _OF_THE_ACCOUNT else self.text(value)
            for name, value in lower.items()
            if name not in _OF_THE_CONNECTION and not name.startswith("set-cookie")
        }

    def request(self, request: HttpRequest) -> Asked:
        """Return the request in the form in which it is recorded and compared."""
        headers = {
            name.lower(): REDACTED if is_credential(name) else self.text(value)
            for name, value in request.headers.items()
        }
        url = self.text(_without_credentials(request.url))
        [body] = self.pieces([request.body])
        return Asked(method=request.method, url=url, headers=headers, **_readable(body))


_spellings = lru_cache(maxsize=8)(Spellings)  # each call of a replayed test has the same ones


def _key_shapes(text: bytes) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _KEY_SHAPES.finditer(text))


def _without_credentials(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return REDACTED
    query = _PARAMETER.sub(
        lambda found: f"{found[1]}={REDACTED}" if is_credential(found[1]) else found[0], parts.query
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _readable(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        return {"json": _without_credential_fields(msgspec.json.decode(body))}
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _without_credential_fields(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: REDACTED
            if isinstance(inner, str) and is_credential_field(name)
            else _without_credential_fields(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_credential_fields(inner) for inner in value]
    return value
