"""A secret in every form that it may take in a header, a URL or a body."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence

_ENTITIES = {"&": b"amp", "<": b"lt", ">": b"gt", '"': b"quot", "'": b"apos"}
_BASE64_TWINS = str.maketrans("-_", "+/")
_ESCAPES = rb"\\%&"
"""First bytes of the escaped forms of a character."""

_MASK = rb"(?:\*{2,}|\.{3}|\xe2\x80\xa6)"
_SHOWN = range(4, 24)
"""Numbers of characters that show a secret at either end of a mask."""

_IN_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")


class Spellings:
    """Finds secrets.

    It sees a secret as it is; with any of its characters escaped for JSON, URLs, forms or HTML, more than
    once if need be; in base64 and its URL-safe twin, alone or within more; in hexadecimal; and with its ends
    showing beside a mask.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        longest_first = sorted(set(secrets), key=lambda secret: (-len(secret), secret))
        plain = b"|".join(form for secret in longest_first for form in _forms(secret))
        coded = b"|".join(form for secret in longest_first for form in _in_base64(secret))
        # Looking at the first byte alone first makes it ten times as fast.
        first = b"".join({re.escape(byte) for byte in _first_bytes(longest_first)})
        self._pattern = (
            re.compile(b"(?=[%b%b*.\xe2])(?:%b|(?P<coded>%b))" % (_ESCAPES, first, plain, coded))
            if longest_first
            else None
        )

    def spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Yield where each one stands; of base64 all that belongs together, since its parts cannot be separated."""
        end = 0
        for found in self._pattern.finditer(text) if self._pattern is not None else ():
            start = found.start()
            if start < end:
                continue
            if found["coded"] is None:
                end = found.end()
            else:
                start, end = _whole_base64(text, *found.span(), not_before=end)
            yield start, end


def _whole_base64(text: bytes, start: int, end: int, *, not_before: int) -> tuple[int, int]:
    while start > not_before and text[start - 1] in _IN_BASE64:
        start -= 1
    while end < len(text) and text[end] in _IN_BASE64:
        end += 1
    return start, end


def _forms(secret: str) -> Iterator[bytes]:
    characters = [_any_escape(character) for character in secret]
    head, tail = _head(characters), _tail(characters)
    yield b"".join(characters)
    yield b"(?i:%b)" % secret.encode().hex().encode()
    yield b"%b%b%b?" % (head, _MASK, tail)
    yield _MASK + tail


def _head(characters: Sequence[bytes]) -> bytes:
    """As many characters from the first one on as are there."""
    more = b""
    for character in reversed(characters[_SHOWN.start : _SHOWN.stop]):
        more = b"(?:%b%b)?" % (character, more)
    return b"".join(characters[: _SHOWN.start]) + more


def _tail(characters: Sequence[bytes]) -> bytes:
    """As many characters up to the last one as are there."""
    more = b""
    for character in characters[-_SHOWN.stop : -_SHOWN.start]:
        more = b"(?:%b%b)?" % (more, character)
    return b"(?:%b%b)" % (more, b"".join(characters[-_SHOWN.start :]))


def _in_base64(secret: str) -> Iterator[bytes]:
    return (b"".join(map(_any_base64, core)) for core in _base64_cores(secret))


def _first_bytes(secrets: Iterable[str]) -> Iterator[bytes]:
    for secret in secrets:
        whole = secret.encode()
        yield from (
            whole[:1],
            b"+",
            b"/",
            b"-",
            b"_",
            whole.hex()[:1].encode(),
            whole.hex()[:1].upper().encode(),
        )
        yield from (core[:1].encode() for core in _base64_cores(secret))


def _any_escape(character: str) -> bytes:
    forms = [
        re.escape(character.encode()),
        b"".join(rb"\\+u(?i:%04x)" % unit for unit in _utf16(character)),
        b"".join(rb"%%(?:25)*(?i:%02x)" % byte for byte in character.encode()),
        rb"&#0*%d;" % ord(character),
        rb"&#[xX]0*(?i:%x);" % ord(character),
    ]
    if character in '"\\/':
        forms.append(rb"\\+" + re.escape(character.encode()))
    if character in _ENTITIES:
        forms.append(b"&%b;" % _ENTITIES[character])
    if character == " ":
        forms.append(rb"\+")
    return b"(?:%b)" % b"|".join(forms)


def _utf16(character: str) -> Iterator[int]:
    units = character.encode("utf-16-be")
    return (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))


def _base64_cores(secret: str) -> Iterator[str]:
    """Yield the base64 forms of the secret at each alignment, without the characters that depend on its neighbours."""
    data = secret.encode()
    for before, mixed in ((0, 0), (1, 2), (2, 3)):
        text = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        yield text[mixed : -1 if (before + len(data)) % 3 else None]


def _any_base64(character: str) -> bytes:
    standard = character.translate(_BASE64_TWINS)
    if standard == "+":
        return rb"(?:[+-]|\\+u002(?i:b)|%(?:25)*2(?i:b))"
    if standard == "/":
        return rb"(?:[/_]|\\+/|\\+u002(?i:f)|%(?:25)*2(?i:f))"
    return character.encode()
