"""One message of a conversation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Literal, Self, get_args

from llmring_types._pydantic_methods import Model
from llmring_types._tools import ToolCall
from llmring_types.exceptions import MessageValidationError

Role = Literal["system", "user", "assistant", "tool"]
_ROLES = frozenset(get_args(Role))


class Message(Model, kw_only=True, omit_defaults=True):
    """A message: who speaks, and what.

    Attributes:
        role: ``system``, ``user``, ``assistant`` or ``tool``.
        content: text, or a list of parts: ``{"type": "text", "text": …}``,
            ``{"type": "image_url", "image_url": {"url": http(s) or data URL}}``,
            ``{"type": "document", "source": {"type": "base64", "media_type": …, "data": …}}``. ``None`` is
            allowed on an assistant message that only calls tools.
        tool_calls: calls the assistant made, in OpenAI's form with ``arguments`` as JSON text.
        tool_call_id: on a ``tool`` message, the id of the call that it answers.
        name: who speaks, where several share a role: sent to OpenAI and hosts of its protocol; the others warn. On a
            ``tool`` message, the name of the tool, for protocols that want it.
        timestamp: when it was said; kept, never sent.
        metadata: ``cache_control`` asks Anthropic to cache up to here; ``native`` carries what a provider
            wants back unchanged (:meth:`LLMResponse.to_message` fills it); ``is_error: True`` on a ``tool``
            message says that the tool failed, to Anthropic and Gemini; for the others the content says it; ``fields``
            are further fields of OpenAI's form, such as ``reasoning_content``.

    Raises:
        MessageValidationError: a wrong role or a wrong type (also a ``ValueError``).
    """

    role: Role
    content: Any
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    timestamp: datetime | None = None
    metadata: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.role not in _ROLES:
            raise MessageValidationError(
                f"role must be one of system, user, assistant, tool; got {self.role!r}",
                field="role",
                value=self.role,
            )
        content = self.content
        if not isinstance(content, str):
            self._check_parts(content)
        if self.tool_calls is not None:
            _check_calls(self.tool_calls)
        if self.tool_call_id is not None and not isinstance(self.tool_call_id, str):
            raise MessageValidationError("tool_call_id must be a string or None", field="tool_call_id")
        if self.name is not None and not isinstance(self.name, str):
            raise MessageValidationError("name must be a string or None", field="name")
        if self.metadata is not None and not isinstance(self.metadata, dict):
            raise MessageValidationError("metadata must be a dict or None", field="metadata")

    @classmethod
    def user(cls, *content: str | Mapping[str, Any], name: str | None = None) -> Self:
        """Return the user's message: ``Message.user("Compare", image(a), image(b))``."""
        return cls(role="user", content=_content(content), name=name)

    @classmethod
    def system(cls, *content: str | Mapping[str, Any]) -> Self:
        """Return instructions for the model."""
        return cls(role="system", content=_content(content))

    @classmethod
    def assistant(cls, *content: str | Mapping[str, Any], tool_calls: list[ToolCall] | None = None) -> Self:
        """Return an answer of the model; :meth:`LLMResponse.to_message` makes a whole one of a response."""
        return cls(role="assistant", content=_content(content) if content else None, tool_calls=tool_calls)

    @classmethod
    def tool(
        cls,
        tool_call_id: str,
        *content: str | Mapping[str, Any],
        is_error: bool = False,
        name: str | None = None,
    ) -> Self:
        """Return the result of a tool call."""
        return cls(
            role="tool",
            content=_content(content),
            tool_call_id=tool_call_id,
            name=name,
            metadata={"is_error": True} if is_error else None,
        )

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        from llmring_types._dicts import read_messages  # noqa: PLC0415 - it needs this module

        found = read_messages([fields])
        if len(found) != 1:
            raise TypeError(f"holds {len(found)} messages: results of tools beside something else")
        return cls(**{name: getattr(found[0], name) for name in cls.__struct_fields__})

    def _check_parts(self, content: object) -> None:
        if content is None:
            if self.role == "assistant":
                return
            raise MessageValidationError(
                f"content of a {self.role} message must not be None", field="content"
            )
        if not isinstance(content, list):
            raise MessageValidationError(
                f"content must be a string or a list of parts; got {type(content).__name__}", field="content"
            )
        for place, part in enumerate(content):
            if not isinstance(part, dict) or not isinstance(part.get("type"), str):
                raise MessageValidationError(
                    f"content[{place}] must be a dict with a 'type', such as {{'type': 'text', 'text': …}}",
                    field=f"content[{place}]",
                )


def _content(parts: Sequence[str | Mapping[str, Any]]) -> str | list[Mapping[str, Any]]:
    """Return one text as it is, and anything else as a list of parts."""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]


def _check_calls(calls: object) -> None:
    if not isinstance(calls, list):
        raise MessageValidationError("tool_calls must be a list of dicts or None", field="tool_calls")
    for place, call in enumerate(calls):
        if not _is_call(call):
            raise MessageValidationError(
                f"tool_calls[{place}] must be a call as a response gives it: "
                "{'id': …, 'type': 'function', 'function': {'name': …, 'arguments': JSON text}}",
                field=f"tool_calls[{place}]",
            )


def _is_call(call: object) -> bool:
    """Return whether this has the shape of a call; custom ones are a provider's own, beyond the neutral form."""
    if not isinstance(call, dict) or not isinstance(call.get("id"), (str, NoneType)):
        return False
    function = call.get("function")
    if function is None:
        return isinstance(call.get("custom"), dict)
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        return False
    return isinstance(function.get("arguments"), (str, dict, NoneType))
