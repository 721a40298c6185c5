"""Takes secrets out of what is recorded."""

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from llmring_providers.transport import HttpRequest

from llmring._json import DECODE_ERRORS
from llmring._redaction import REDACTED, Redactor, edited
from llmring.testing._cassettes.cassette import Asked
from llmring.testing._cassettes.credentials import is_credential, is_credential_field
from llmring.testing._cassettes.spoken import respoken

_OF_THE_CONNECTION = frozenset(
    ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding")
)
"""Headers about bytes that a transport has unpacked already."""

_OF_THE_ACCOUNT = frozenset(("anthropic-organization-id", "openai-organization", "openai-project"))

_PARAMETER = re.compile(r"([^&=]+)=([^&]*)")


class HttpRedactor(Redactor):
    """Replaces secrets in requests and answers, also in the places that are known to hold one."""

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
    except DECODE_ERRORS:
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
