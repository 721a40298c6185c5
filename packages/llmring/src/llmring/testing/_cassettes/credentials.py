"""Which values of a request are secret: told by the names that they stand under."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from llmring_providers.transport import HttpRequest

from llmring._json import DECODE_ERRORS

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
    """Whether a header or a parameter of a URL is one, by its name."""
    return not _IN_HEADERS_AND_URLS.isdisjoint(_words(name))


def is_credential_field(name: str) -> bool:
    """Whether a field of a JSON object is one: ``key`` alone may be anything there."""
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
