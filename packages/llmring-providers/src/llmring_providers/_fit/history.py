"""Earlier turns as vendors take them: a result for each tool call, a call for each result, own blocks for each vendor.

Histories are cut: by a crash between the call and its result, by a user who goes on before the result is there, by a
window that drops the oldest messages. A missing result is stated in its place, a late one moves behind its call, and
one without a call becomes a message of the user; nothing that somebody wrote is left out. All vendors but Ollama refuse
anything else.

Every adapter keeps the provider's own blocks (signed, encrypted or hosted ones, with those between them) under
``replay`` in ``Message.metadata["native"]``, and only when some of them say more than the neutral form does. They go
back unchanged. Everything else in ``native`` is for the user to read and is never sent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from llmring_types import LLMRequest, Message

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall

_NO_RESULT = "[There is no result: the conversation was cut before it.]"


def paired(
    messages: Sequence[Message],
    request: LLMRequest,
    warnings: list[str],
    *,
    apart: bool = False,
    continued: Collection[str] = (),
) -> list[Message]:
    """Return the messages with a result behind each call, and no result elsewhere.

    Args:
        messages: the conversation.
        request: says whether the host has the beginning of the conversation.
        warnings: takes a sentence for each change.
        apart: ids of calls must be unique in the whole conversation, not only in one message.
        continued: parameters with which the calls that are answered may lie with the host.
    """
    if _are_paired(messages, apart=apart) or continues(request, continued):
        return list(messages)
    return list(_Pairing(messages, warnings, apart=apart).messages())


def continues(request: LLMRequest, names: Collection[str]) -> bool:
    """Return whether the host has the beginning of the conversation, as one of these parameters says."""
    given = (request.extra_params, request.cache or {})
    return any(place.get(name) is not None for name in names for place in given)


def _ids(message: Message) -> list[str]:
    """The ids of the calls that a message makes; only the assistant's are sent."""
    return [str(made.get("id")) for made in message.tool_calls or ()] if message.role == "assistant" else []


def _are_paired(messages: Sequence[Message], *, apart: bool) -> bool:
    pending: list[str] = []
    earlier: set[str] = set()
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in pending:
                return False
            pending.remove(message.tool_call_id)
        elif pending:
            return False
        elif pending := _ids(message):
            ids = set(pending)
            if len(ids) < len(pending) or (apart and not ids.isdisjoint(earlier)):
                return False
            earlier |= ids
    return not pending


class _Call(NamedTuple):
    """A call of the conversation: its id, the one that is sent for it, and the name of its function."""

    call_id: str
    sent: str
    name: str


class _Pairing:
    """Pairs the messages of one conversation."""

    def __init__(self, messages: Sequence[Message], warnings: list[str], *, apart: bool) -> None:
        self._given = messages
        self._warnings = warnings
        self._apart = apart
        self._called = {call_id for message in messages for call_id in _ids(message)}
        self._used: set[int] = set()
        self._ids: set[str] = set()

    def messages(self) -> Iterator[Message]:
        for place, message in enumerate(self._given):
            if place in self._used:
                continue
            if message.role == "tool":
                yield self._without_call(message)
            elif _ids(message):
                yield from self._with_results(place, message)
            else:
                yield message

    def _with_results(self, place: int, message: Message) -> Iterator[Message]:
        calls = self._calls(message)
        if any(call.sent != call.call_id for call in calls):
            made: list[Any] = [{**each, "id": call.sent} for each, call in zip(message.tool_calls or (), calls, strict=True)]  # fmt: skip
            yield msgspec.structs.replace(message, tool_calls=made)
        else:
            yield message
        missing = list(calls)
        for at in range(place + 1, len(self._given)):
            result = self._given[at]
            if result.role == "tool" and at not in self._used and (call := _answered(result, missing)):
                missing.remove(call)
                self._used.add(at)
                yield result if result.tool_call_id == call.sent else msgspec.structs.replace(result, tool_call_id=call.sent)  # fmt: skip
            elif (again := set(_ids(result))) and all(call.call_id in again for call in missing):
                break
        yield from self._next_to(place, missing)
        for call in missing:
            yield Message(role="tool", tool_call_id=call.sent, content=_NO_RESULT)
            self._warn(
                f"the tool call {call.call_id!r} has no result in the conversation: it was answered that there is none"
            )

    def _next_to(self, place: int, missing: list[_Call]) -> Iterator[Message]:
        """Results behind their calls with ids that no call has, as another client may have changed them."""
        foreign: list[int] = []
        for at in range(place + 1, len(self._given)):
            if self._given[at].role != "tool":
                break
            if at not in self._used and self._given[at].tool_call_id not in self._called:
                foreign.append(at)
        if not missing or len(foreign) != len(missing):
            return
        for at, call in zip(foreign, missing, strict=True):
            self._used.add(at)
            self._warn(
                f"a result names {self._given[at].tool_call_id!r}, which is no call: it was sent as that of {call.call_id!r}"
            )
            yield msgspec.structs.replace(self._given[at], tool_call_id=call.sent)
        missing.clear()

    def _calls(self, message: Message) -> list[_Call]:
        """The calls of a message, with ids of their own where others have theirs already."""
        taken = self._ids if self._apart else set[str]()
        calls: list[_Call] = []
        made: Any
        for call_id, made in zip(_ids(message), message.tool_calls or (), strict=True):
            sent, count = call_id, 1
            while sent in taken:
                count += 1
                sent = f"{call_id}_{count}"
            taken.add(sent)
            function = made.get("function") or made.get("custom") or {}
            calls.append(_Call(call_id, sent, str(function.get("name"))))
        return calls

    def _without_call(self, message: Message) -> Message:
        self._warn(
            "a result of a tool without its call in the conversation was sent as a message of the user"
        )
        metadata = message.metadata or {}
        kept = {name: metadata[name] for name in ("cache_control",) if name in metadata}
        what = "error" if metadata.get("is_error") is True else "result"
        whose = ", ".join(word for word in (message.name, message.tool_call_id) if word)
        words = f"[The {what} of a tool call that is not in this conversation{whose and f' ({whose})'}:]"
        content: Any = f"{words}\n{message.content}"
        if isinstance(message.content, list):
            content = [{"type": "text", "text": words}, *message.content]
        return Message(role="user", content=content, metadata=kept or None)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def _answered(result: Message, missing: Sequence[_Call]) -> _Call | None:
    """The call that a result answers; one that names no call answers the first of its function, or the first of all."""
    if result.tool_call_id:
        return next((call for call in missing if result.tool_call_id == call.call_id), None)
    named = (call for call in missing if result.name in (None, call.name))
    return next(named, None)


def replay_of(message: Message, call: ChatCall, warnings: list[str], *, api: str | None = None) -> list[Any]:
    """Return the blocks that this provider wants back with an assistant message, or none.

    Blocks of another provider, or of another of its APIs, can be read by nobody else: they are left out with a warning.
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
