"""Calls of OpenAI's own tools that the application runs: shell, patches, computer, tool search, approvals.

They come out as tool calls that are named like the tool, with what the model wrote as arguments; the ``tool`` message
that answers one goes back as the item which OpenAI wants for it.

https://developers.openai.com/api/docs/guides/tools-shell
https://developers.openai.com/api/docs/guides/tools-apply-patch
https://developers.openai.com/api/docs/guides/tools-local-shell
https://developers.openai.com/api/docs/guides/tools-tool-search
https://developers.openai.com/api/docs/guides/tools-connectors-mcp#approvals
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from llmring_types import ToolCall, tool_call

from llmring_providers._json import DECODE_ERRORS

NAMES: Mapping[str, str] = {
    "apply_patch_call": "apply_patch",
    "computer_call": "computer",
    "local_shell_call": "local_shell",
    "mcp_approval_request": "mcp_approval_request",
    "shell_call": "shell",
    "tool_search_call": "tool_search",
}
"""The names of the tools by the types of their calls."""
_ARGUMENTS = {
    "apply_patch_call": "operation",
    "local_shell_call": "action",
    "shell_call": "action",
    "tool_search_call": "arguments",
}
"""Fields that hold the arguments; of the other calls, all fields but those of the item itself are arguments."""
_OF_THE_ITEM = frozenset({"type", "id", "call_id", "status", "caller", "created_by"})
_YES = frozenset({"approve", "approved", "ok", "true", "yes", "y"})


def open_calls(output: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the calls that the host left to the application: those that it ran itself have their output with them."""
    found = [item for item in output if str(item.get("type")) in NAMES and item.get("execution") != "server"]
    if not found:
        return []
    answered = [item.get("call_id") for item in output if str(item.get("type")).endswith("_output")]
    return [item for item in found if item.get("call_id") is None or item["call_id"] not in answered]


def app_call(item: Mapping[str, Any], place: int) -> ToolCall:
    """Return a call in the neutral form."""
    kind = str(item["type"])
    arguments = item.get(_ARGUMENTS.get(kind, ""))
    if not isinstance(arguments, (str, dict)):
        arguments = {name: value for name, value in item.items() if name not in _OF_THE_ITEM}
    return tool_call(call_id_of(item) or f"call_{place}", NAMES[kind], arguments)


def call_id_of(item: Mapping[str, Any]) -> str | None:
    """The id by which a result names a call."""
    found = item.get("call_id") or item.get("id")
    return found if isinstance(found, str) else None


def output_item(
    item: Mapping[str, Any], content: str | Iterable[Mapping[str, Any]], *, failed: bool
) -> dict[str, Any] | None:
    """Return the item that answers a call; ``None`` where a screenshot is wanted and there is none.

    Args:
        item: the call.
        content: of the ``tool`` message: text, JSON in the form of the item's own field, or parts of the responses API.
        failed: the tool failed.
    """
    parts = [] if isinstance(content, str) else list(content)
    text = content if isinstance(content, str) else "".join(str(part.get("text") or "") for part in parts)
    kind, call_id, value = item["type"], call_id_of(item) or "", _json(text)
    if kind == "mcp_approval_request":
        return {
            "type": "mcp_approval_response",
            "approval_request_id": call_id,
            **_approval(text, value, failed=failed),
        }
    if kind == "local_shell_call":  # the field is called ``id`` and holds the ``call_id``
        return {"type": "local_shell_call_output", "id": call_id, "output": text}
    if kind == "apply_patch_call":
        status = "failed" if failed else "completed"
        return {"type": "apply_patch_call_output", "call_id": call_id, "status": status, "output": text}
    if kind == "tool_search_call":
        tools = value.get("tools") if isinstance(value, dict) else value
        found = {
            "execution": "client",
            "status": "completed",
            "tools": tools if isinstance(tools, list) else [],
        }
        return {"type": "tool_search_output", "call_id": call_id, **found}
    if kind == "shell_call":
        return {"type": "shell_call_output", "call_id": call_id, **_shell(item, text, value, failed=failed)}
    return _screenshot(call_id, parts, value)


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except DECODE_ERRORS:
        return None


def _approval(text: str, value: Any, *, failed: bool) -> dict[str, Any]:
    """Approve only what says so."""
    if isinstance(value, dict) and isinstance(value.get("approve"), bool):
        reason = value.get("reason")
        return {"approve": value["approve"], **({"reason": reason} if isinstance(reason, str) else {})}
    if value is True or (not failed and text.strip().lower() in _YES):
        return {"approve": True}
    return {"approve": False, **({"reason": text} if text and value is not False else {})}


def _shell(item: Mapping[str, Any], text: str, value: Any, *, failed: bool) -> dict[str, Any]:
    action = item.get("action")
    most = action.get("max_output_length") if isinstance(action, Mapping) else None
    given = value if isinstance(value, dict) and "output" in value else {"output": value}
    if not _are_outputs(given["output"]):
        outcome = {"type": "exit", "exit_code": 1 if failed else 0}
        streams = {"stdout": "", "stderr": text} if failed else {"stdout": text, "stderr": ""}
        given = {"output": [{**streams, "outcome": outcome}]}
    return {**({} if most is None else {"max_output_length": most}), **given}


def _are_outputs(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) and "outcome" in each for each in value)


def _screenshot(call_id: str, parts: Iterable[Mapping[str, Any]], value: Any) -> dict[str, Any] | None:
    given = value if isinstance(value, dict) else {}
    images = [part for part in parts if part.get("type") == "input_image"]
    if images:
        names = ("image_url", "file_id")
        found = {name: images[-1][name] for name in names if images[-1].get(name)}
        given = {**given, "output": {"type": "computer_screenshot", **found}}
    if "output" not in given:
        return None
    return {"type": "computer_call_output", "call_id": call_id, **given}
