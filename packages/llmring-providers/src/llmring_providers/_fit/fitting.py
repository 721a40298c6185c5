"""A request fitted to a protocol before it is encoded: content where it may stand, names and ids that are taken.

Each adapter has a :class:`Fit`, a row of what its protocol takes; every change is listed in the warnings.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import Message, Role
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.history import paired
from llmring_providers._fit.media import check, clean, family_of, in_chat_form
from llmring_providers._fit.models import ModelRules
from llmring_providers._fit.names import NameRule, renamed, replaced_ids, replaced_names
from llmring_providers._fit.tools import check_choice, distinct
from llmring_providers._protocol import ChatCall

_REASONING = frozenset({"thinking", "redacted_thinking", "reasoning"})
_EVERYTHING = frozenset({"image", "document", "audio", "video"})


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a protocol.

    Attributes:
        whose: the protocol, for warnings.
        names: of functions.
        ids: of calls.
        rules: facts of the model that is called: media types, and the roles other than the user's that may carry them.
        moved: kinds of media that move from the result of a tool to the next user message.
        speakers: a message may name who speaks.
        fields: further fields of OpenAI's form that a message may have.
        needs_turn: a conversation of system messages alone is refused.
        pairs: a call without its result, and a result without its call, are refused.
        apart: ids of calls must be unique in the whole conversation.
        continued: parameters with which the host may have the beginning of the conversation.
        chooses: a choice of tools is sent.
        flat: parts in the form of OpenAI's responses API are taken as they are.
        reasoning: parts with an answer's reasoning that are taken; all others are left out.
    """

    whose: str
    names: NameRule
    ids: NameRule
    rules: Callable[[ChatCall], ModelRules]
    moved: frozenset[str] = frozenset()
    speakers: bool = False
    fields: frozenset[str] = frozenset()
    needs_turn: bool = False
    pairs: bool = True
    apart: bool = False
    continued: frozenset[str] = frozenset()
    chooses: bool = True
    flat: bool = False
    reasoning: frozenset[str] = frozenset()


def fitted(call: ChatCall, fit: Fit, warnings: list[str], *, plain: bool) -> ChatCall:
    """Return the call as the protocol takes it; the very same one where nothing has to change.

    Args:
        call: as it was made.
        fit: of the protocol.
        warnings: takes a line for each change.
        plain: what :func:`are_plain` says of the messages, which stay so.

    Raises:
        UnsupportedContentError: a role has media that the protocol takes from users only, two tools share a name, or
            the choice names none of them.
    """
    request = call.request
    messages = request.messages
    if not plain or (fit.needs_turn and _lacks_turn(call)):
        messages = _Fitting(call, fit, warnings).messages(messages)
        if fit.pairs:
            messages = paired(messages, request, warnings, apart=fit.apart, continued=fit.continued)
    elif not request.tools and request.tool_choice is None:
        return call
    if fit.chooses:
        check_choice(call)
    tools, choice = request.tools, request.tool_choice
    if tools:
        tools = distinct(tools, call, warnings)
    if tools and any("functionDeclarations" in tool or "function_declarations" in tool for tool in tools):
        tools = [function for tool in tools for function in _declared(tool, fit)]
    fit_call = call._replace(request=_changed(call, messages=messages, tools=tools))
    names = replaced_names(fit_call, fit.names)
    ids = replaced_ids(messages, fit.ids)
    if names or ids:
        messages = [_with_words(message, names, ids) for message in messages]
        tools, choice = renamed(tools, names), renamed(choice, names)
    if messages == request.messages and tools is request.tools and choice is request.tool_choice:
        return call
    return call._replace(request=_changed(call, messages=messages, tools=tools, tool_choice=choice))


def displaces_media(call: ChatCall) -> bool:
    """Return whether a message has media where most protocols take none: a refusal may be due to their move."""
    return any(
        message.role != "user" and isinstance(message.content, list) and any(map(family_of, message.content))
        for message in call.request.messages
    )


def _changed(call: ChatCall, **fields: Any) -> Any:
    return msgspec.structs.replace(call.request, **fields)


def are_plain(messages: Sequence[Message]) -> bool:
    """Return whether all messages are nothing but a role and a text, and so encode to an object of these two.

    Written out, since it is the one pass over the messages that every request makes.
    """
    for each in messages:
        if (
            type(each) is not Message
            or type(each.content) is not str
            or each.metadata is not None
            or each.tool_calls is not None
            or each.tool_call_id is not None
            or each.role == "tool"
            or each.name is not None
            or each.timestamp is not None
        ):
            return False
    return True


def _lacks_turn(call: ChatCall) -> bool:
    messages = call.request.messages
    if not messages or messages[-1].role != "system":
        return False
    return all(message.role == "system" for message in messages)


def _declared(tool: Mapping[str, Any], fit: Fit) -> Iterator[Mapping[str, Any]]:
    """The functions of a tool in Gemini's form, one by one where the protocol is another."""
    functions = tool.get("functionDeclarations") or tool.get("function_declarations")
    if fit.whose == "Gemini" or not isinstance(functions, list):
        yield tool
    else:
        yield from (function for function in functions if isinstance(function, dict))


def _with_words(message: Message, names: Mapping[str, str], ids: Mapping[str, str]) -> Message:
    calls, result = message.tool_calls, message.tool_call_id
    if not calls and result not in ids:
        return message
    if calls:
        calls = [_with_id(renamed(made, names), ids) for made in calls]
    return msgspec.structs.replace(message, tool_calls=calls, tool_call_id=ids.get(result or "", result))


def _with_id(made: Any, ids: Mapping[str, str]) -> Any:
    return {**made, "id": ids.get(made["id"], made["id"])}


class _Fitting:
    """Fits the messages of one conversation."""

    def __init__(self, call: ChatCall, fit: Fit, warnings: list[str]) -> None:
        self._call = call
        self._fit = fit
        self._warnings = warnings
        self._out: list[Message] = []
        self._moved: list[dict[str, Any]] = []
        """Parts that wait for the next message of the user."""
        self._unanswered: list[str] = []
        """Ids that were given to calls without one."""
        self._calls: dict[str, str] = {}

    def messages(self, given: list[Message]) -> list[Message]:
        for message in given:
            self._add(message)
        self._flush()
        self._turn()
        return self._out

    def _add(self, message: Message) -> None:
        if not self._moved and are_plain((message,)):
            self._out.append(message)
            return
        self._report_fields(message)
        if message.role == "assistant":
            self._flush()
            message = self._identified(message)
        elif message.role == "tool" and not message.tool_call_id and self._unanswered:
            message = msgspec.structs.replace(message, tool_call_id=self._unanswered.pop(0))
        if isinstance(message.content, list):
            message = self._placed(self._readable(message))
        if message.role == "user" and self._moved:
            parts, self._moved = self._moved, []
            message = msgspec.structs.replace(message, content=[*parts, *_parts(message.content)])
        self._out.append(message)

    def _identified(self, message: Message) -> Message:
        """Give calls without an id one: the result that answers has to name it."""
        if not message.tool_calls:
            return message
        calls: list[Any] = []
        made: Any
        for made in message.tool_calls:
            call_id = made.get("id")
            if not call_id:
                call_id = f"call_{len(self._calls)}"
                self._unanswered.append(call_id)
            function = made.get("function") or made.get("custom") or {}
            self._calls[call_id] = str(function.get("name"))
            calls.append(made if made.get("id") else {**made, "id": call_id})
        return msgspec.structs.replace(message, tool_calls=calls) if calls != message.tool_calls else message

    def _readable(self, message: Message) -> Message:
        """Bring parts into the form that all adapters read, without reasoning that nobody else reads."""
        parts = message.content if self._fit.flat else list(map(in_chat_form, message.content))
        if message.role == "assistant":
            refused = _REASONING - self._fit.reasoning
            kept = [part for part in parts if part["type"] not in refused]
            if len(kept) < len(parts):
                self._warn(
                    f"the reasoning in an assistant message was left out: {self._fit.whose} cannot read it"
                )
                parts = kept
        return message if parts == message.content else msgspec.structs.replace(message, content=parts)

    def _placed(self, message: Message) -> Message:
        role = message.role
        rules = self._fit.rules(self._call)
        taken = _EVERYTHING if role == "user" else (rules.media_in or {}).get(role, ())
        stays: list[Any] = []
        moves: list[Any] = []
        for part in message.content:
            if (family := family_of(part)) is None:
                stays.append(part)
                continue
            cleaned = clean(part)
            check(cleaned, family, rules.media, self._call)
            (stays if family in taken else moves).append(cleaned)
        if not moves:
            return msgspec.structs.replace(message, content=stays) if stays != message.content else message
        for part in moves:
            if role != "tool" or family_of(part) not in self._fit.moved:
                raise self._unsupported(part, role)
        kinds = " and ".join(sorted({str(family_of(part)) for part in moves}))
        self._warn(
            f"the {kinds} content of a tool message was moved to the next user message:"
            f" {self._fit.whose} takes it from users only"
        )
        self._moved += [{"type": "text", "text": f"[{self._origin(message)}:]"}, *moves]
        return msgspec.structs.replace(message, content=stays or "[The content is in the next user message.]")

    def _unsupported(self, part: Mapping[str, Any], role: Role) -> UnsupportedContentError:
        kind = part["type"]
        return UnsupportedContentError(
            f"{self._fit.whose} cannot take a {kind!r} part in a message of the {role}; put it into one of the user",
            provider=self._call.ref.provider,
            part=kind,
        )

    def _origin(self, message: Message) -> str:
        name = message.name or self._calls.get(message.tool_call_id or "")
        whose = f" of {name}" if name else ""
        return f"From the result{whose}" + (f", call {message.tool_call_id}" if message.tool_call_id else "")

    def _flush(self) -> None:
        if self._moved:
            self._out.append(Message(role="user", content=self._moved))
            self._moved = []

    def _turn(self) -> None:
        """Send the last system message as the user's where there is no other."""
        out = self._out
        if self._fit.needs_turn and out and all(message.role == "system" for message in out):
            out[-1] = msgspec.structs.replace(out[-1], role="user")
            self._warn(
                f"the last system message was sent as the user's: {self._fit.whose} needs one of the user"
            )

    def _report_fields(self, message: Message) -> None:
        whose = self._fit.whose
        if message.name is not None and message.role != "tool" and not self._fit.speakers:
            self._warn(f"the name of a message was left out: {whose} has no place for it")
        fields = message.metadata.get("fields") if message.metadata else None
        for name in fields if isinstance(fields, dict) else ():
            if name not in self._fit.fields:
                self._warn(f"the field {name!r} of a message was left out: {whose} has no place for it")

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
