"""Blocks that travel back to a provider unchanged: ``replay`` in ``Message.metadata["native"]``.

Every adapter keeps the provider's own blocks (signed, encrypted or hosted ones, with those between them) under
``native["replay"]``, and only when some of them say more than the neutral form does. Everything else in ``native``
is for the user to read and is never sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import Message

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall


def replay_of(message: Message, call: ChatCall, warnings: list[str], *, api: str | None = None) -> list[Any]:
    """Return the blocks that this provider wants back with an assistant message, or none.

    Blocks of another provider, or of another of its APIs, can be read by nobody else: they are left out and told.
    """
    native = message.metadata.get("native") if message.metadata else None
    blocks = native.get("replay") if isinstance(native, Mapping) else None
    if not isinstance(native, Mapping) or not isinstance(blocks, list) or not blocks:
        return []
    elsewhere = native.get("host") is not None and call.host is not None and native["host"] != call.host
    if native.get("provider") == call.ref.provider and native.get("api") == api and not elsewhere:
        return blocks
    names = ("provider", "api", "host") if elsewhere else ("provider", "api")
    source = " ".join(str(native[name]) for name in names if native.get(name))
    warning = f"private reasoning or other blocks of {source} were left out: {call.ref} cannot read them"
    if warning not in warnings:
        warnings.append(warning)
    return []


def sealed(kept: dict[str, Any], call: ChatCall) -> dict[str, Any]:
    """Note beside blocks which host they are from: no other can read what it signed or encrypted."""
    if call.host is not None and kept.get("replay"):
        kept["host"] = call.host
    return kept


def agrees(message: Message, text: str, made: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether blocks with this text and these calls still say what the message says: users may change it.

    Args:
        message: as it comes back.
        text: of the blocks.
        made: their calls, in the neutral form; the arguments may be an object.
    """
    calls = message.tool_calls or []
    return message_text(message) == text and len(made) == len(calls) and all(map(is_call, made, calls))


def is_call(made: Mapping[str, Any], call: Mapping[str, Any]) -> bool:
    """Return whether a block makes the very same call; the id counts where the block has one."""
    if made.get("id") and made["id"] != call.get("id"):
        return False
    one, other = made.get("function"), call.get("function")
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return dict(made) == dict(call)
    if one.get("name") != other.get("name"):
        return False
    return bool(_arguments(one.get("arguments")) == _arguments(other.get("arguments")))


def _arguments(given: Any) -> Any:
    try:
        return msgspec.json.decode(given) if given and isinstance(given, str) else given or {}
    except DECODE_ERRORS:
        return given


def message_text(message: Message) -> str:
    """The text of a message, parts joined with nothing between them."""
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text") or "") for part in content or () if part["type"] == "text")
