"""Blocks of another vendor, carried by the client as a signature of the client's protocol.

A gateway may answer in the client's protocol with a model of another vendor. What that model wants to see again in the
next turn, such as encrypted reasoning, nobody else can read; but every protocol has a field that clients send back as
it came. There it travels, and the codec that reads the next request puts it back into the message.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from llmring_providers._json import DECODE_ERRORS
from llmring_providers.hosting.answering import Answer, own_native, replayed

_MARK = b"llmring1:"
_BEGIN = base64.b64encode(_MARK).decode()
"""Nine bytes are twelve letters, so whatever follows, it begins like this."""
_KEPT = ("provider", "api", "host", "replay")


class _Native(msgspec.Struct):
    provider: str
    replay: list[dict[str, Any]]
    api: str | None = None
    host: str | None = None


def carried(answer: Answer, vendor: str, api: str | None = None) -> str:
    """Return what another vendor wants back, in base64; empty where there is nothing, or it is this protocol's own."""
    native = answer.native
    if not isinstance(native, Mapping) or own_native(answer, vendor, api) or not replayed(native):
        return ""
    kept = {name: native[name] for name in _KEPT if native.get(name) is not None}
    return base64.b64encode(_MARK + msgspec.json.encode(kept)).decode()


def restored(signature: Any) -> dict[str, Any] | None:
    """Return the ``native`` content of a message that a signature carries; ``None`` for any other signature."""
    if not isinstance(signature, str) or not signature.startswith(_BEGIN):
        return None
    try:  # some clients write the alphabet for URLs
        data = base64.b64decode(signature.translate(_OF_URLS) + "=" * (-len(signature) % 4))
        native = msgspec.json.decode(data.removeprefix(_MARK), type=_Native)
    except (ValueError, *DECODE_ERRORS):  # no base64, letters beyond ASCII, or no such JSON
        return None
    said: dict[str, Any] = msgspec.to_builtins(native)
    return {name: value for name, value in said.items() if value is not None}


_OF_URLS = str.maketrans("-_", "+/")


def first_restored(blocks: list[Any], *names: str) -> tuple[list[Any], dict[str, Any] | None]:
    """Return the blocks without those that carry something under one of these names, and what the first one carries."""
    found = [restored(next((block[name] for name in names if block.get(name)), None)) for block in blocks]
    left = [block for block, native in zip(blocks, found, strict=True) if native is None]
    return left, next((native for native in found if native is not None), None)
