"""Takes secrets out of what is recorded."""

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import msgspec
from llmring_providers.transport import HttpRequest

from llmring._json import DECODE_ERRORS
from llmring._redaction import REDACTED, Edit, Redactor, edited
from llmring.testing._cassettes.cassette import Asked

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ANYWHERE = frozenset(
    (
        "apikey",
        "auth",
        "authorization",
        "cookie",
        "credential",
        "credentials",
        "passwd",
        "password",
        "secret",
        "token",
    )
)
_IN_HEADERS_AND_URLS = _ANYWHERE | {"key", "sig", "signature"}


def is_credential(name: str) -> bool:
    """Return whether a header or a parameter of a URL is a credential, by its name."""
    return not _IN_HEADERS_AND_URLS.isdisjoint(_words(name))


def is_credential_field(name: str) -> bool:
    """Return whether a field of a JSON object is a credential: ``key`` alone may be anything there."""
    words = _words(name)
    return not _ANYWHERE.isdisjoint(words) or ("api" in words and "key" in words)


def secrets_of(request: HttpRequest) -> Iterator[str]:
    """Yield the secret values in a request's headers, URL and body."""
    for name, value in request.headers.items():
        if is_credential(name):
            yield from _parts(value)
    yield from _of_url(request.url)
    try:
        body = msgspec.json.decode(request.body)
    except DECODE_ERRORS:
        return
    yield from _of_body(body)


def _of_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # nothing will be sent there
        return
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    yield from filter(None, (unquote(user), unquote(password)))
    for name, value in parse_qsl(parts.query):
        if is_credential(name):
            yield value


def _of_body(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str) and is_credential_field(name):
                yield from _parts(inner)
            else:
                yield from _of_body(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _of_body(inner)


def _parts(value: str) -> Iterator[str]:
    """Yield a credential, alone and without the scheme before it, and the password of Basic authentication."""
    yield value
    scheme, _, credential = value.partition(" ")
    if credential:
        yield credential.strip()
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(credential, validate=True).decode()
        except ValueError:
            return
        yield pair
        yield from pair.split(":", 1)


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}


Redact: TypeAlias = Callable[[Sequence[bytes]], list[bytes]]

_EVENT = re.compile(rb"^(?:data:[ ]*)?(\{[^\r\n]*)", re.MULTILINE)


class _Event:
    """A line that is a JSON object, as server-sent event or on its own."""

    def __init__(self, found: re.Match[bytes]) -> None:
        self.start, self.end = found.span(1)
        self.value: Any = msgspec.json.decode(found[1])
        self.changed = False


class _Place:
    """A text within an event."""

    def __init__(self, event: _Event, holder: Any, key: str | int) -> None:
        self._event = event
        self._holder = holder
        self._key = key

    @property
    def text(self) -> bytes:
        return str(self._holder[self._key]).encode()

    def put(self, text: bytes) -> None:
        if text != self.text:
            self._holder[self._key] = text.decode()
            self._event.changed = True


def without_spelled_secrets(body: bytes, redact: Redact) -> list[Edit]:
    """Return the edits after which no place of the events spells a secret.

    Args:
        body: of a stream.
        redact: takes the texts of one place, event by event, and returns them without secrets.
    """
    events = list(_events(body))
    places: dict[tuple[str | int, ...], list[_Place]] = defaultdict(list)
    for event in events:
        for path, place in _places(event, event.value, ()):
            places[path].append(place)
    for spread in places.values():
        for place, text in zip(spread, redact([place.text for place in spread]), strict=True):
            place.put(text)
    return [
        Edit(event.start, event.end, msgspec.json.encode(event.value)) for event in events if event.changed
    ]


def _events(body: bytes) -> Iterator[_Event]:
    for found in _EVENT.finditer(body):
        try:
            yield _Event(found)
        except DECODE_ERRORS:
            continue


def _places(
    event: _Event, value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], _Place]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if isinstance(inner, str):
            yield (*path, key), _Place(event, value, key)
        else:
            yield from _places(event, inner, (*path, key))


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
        return [
            piece for piece in edited(kept, without_spelled_secrets(b"".join(kept), self.pieces)) if piece
        ]

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of an answer, without those of the connection and of cookies."""
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
