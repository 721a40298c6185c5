"""Results for calls of tools that have none: all vendors but Ollama refuse a conversation that goes on without.

Histories are cut: by a crash between the call and its result, or by a user who goes on before the result is there. What
is missing is said in its place, and a late result moves behind its call; nothing that somebody wrote is left out.
"""

from collections.abc import Mapping, Sequence

from llmring_types import Message

_NO_RESULT = "[There is no result: the conversation was cut before it.]"
_CONTINUED = ("previous_response_id", "conversation")
"""With these the calls that are answered lie with the host."""


def paired(
    messages: Sequence[Message], extra_params: Mapping[str, object], warnings: list[str]
) -> list[Message]:
    """Return the messages with a result behind each call, except at the end: there the caller decides."""
    if any(name in extra_params for name in _CONTINUED) or _are_paired(messages):
        return list(messages)
    used: set[int] = set()
    out: list[Message] = []
    for place, message in enumerate(messages):
        if place in used:
            continue
        out.append(message)
        if message.role == "assistant" and message.tool_calls:
            found, missing = _results(place, messages, used)
            used.update(found)
            out += [messages[at] for at in found]
            if len(messages) > place + 1 + len(found):
                out += [Message(role="tool", tool_call_id=call_id, content=_NO_RESULT) for call_id in missing]
                warnings += [_told(call_id) for call_id in missing]
    return out


def _told(call_id: str) -> str:
    return f"the tool call {call_id!r} has no result in the conversation: it was answered that there is none"


def _ids(message: Message) -> list[str]:
    return [str(made.get("id")) for made in message.tool_calls or ()]


def _are_paired(messages: Sequence[Message]) -> bool:
    pending: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id in pending:
                pending.remove(message.tool_call_id)
        elif pending:
            return False
        else:
            pending = _ids(message)
    return True


def _results(place: int, messages: Sequence[Message], used: set[int]) -> tuple[list[int], list[str]]:
    """Return where the results of the calls of one message stand, and the ids of calls without one."""
    missing = _ids(messages[place])
    found: list[int] = []
    for at in range(place + 1, len(messages)):
        call_id = messages[at].tool_call_id
        if messages[at].role == "tool" and at not in used and call_id in missing:
            missing.remove(call_id)
            found.append(at)
    return found, missing
