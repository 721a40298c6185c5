"""The request: what is to be done, for whichever model does it."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, get_args

import msgspec
from msgspec import UNSET, UnsetType

from llmring_types._dicts import read_messages
from llmring_types._messages import Message
from llmring_types._pydantic_methods import Model
from llmring_types._response import Parsed
from llmring_types.exceptions import ValidationError

if TYPE_CHECKING:
    from types import UnionType
    from typing import TypeAlias, _SpecialForm

    ResponseFormat: TypeAlias = "type[Parsed] | dict[str, Any] | UnionType | _SpecialForm | None"
else:
    ResponseFormat = {Parsed: Any}  # msgspec knows no such union, and checks nothing here
"""A value of ``response_format``. Type checkers learn :data:`Parsed` from a class or an alias (``list[City]``)."""

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_EFFORTS = frozenset(get_args(ReasoningEffort))
_SECRET = re.compile(r"authorization|headers?$|token$|api_?key|secret|password|credential", re.IGNORECASE)
_CONTAINERS = ("tools", "extra_params", "metadata", "cache", "tool_choice")


class LLMRequest(Model, Generic[Parsed], omit_defaults=True):
    """A chat request. It is mutable, and the library never changes it.

    Attributes:
        messages: the conversation, oldest first. Dicts are converted, whether in OpenAI's form (with its roles
            ``developer`` and ``function``, its ``refusal`` and ``function_call``) or with Anthropic's blocks of tools.
        model: an alias (``"summarizer"``), ``package:alias`` or ``provider:model``; ``None`` uses the alias
            ``default`` of the active profile.
        temperature: a finite number; providers take 0.0 to 1.0 or 2.0. ``None`` leaves it to the provider.
        max_tokens: upper limit of generated tokens, those of reasoning not counted where the provider lets them be told
            apart. OpenAI counts reasoning against the same limit: on its reasoning models room for it is added (2,000
            tokens, or what the model's facts say), with a warning, unless ``reasoning_tokens`` is set.
        reasoning_tokens: budget for reasoning, in tokens, on top of ``max_tokens``; 0 asks for none where the provider
            allows it, and adds none to ``max_tokens``.
        response_format: ``{"type": "json_schema", "json_schema": {"name": …, "schema": …, "strict": …}}``,
            ``{"type": "json_object"}``, or a type (msgspec Struct, dataclass, TypedDict, pydantic model):
            then :attr:`LLMResponse.parsed` is an instance of it, also to type checkers. Of ``City | Town``, give them
            the type by ``LLMRequest[City | Town](…)``.
        tools: functions in OpenAI's form or flat; tools of a provider's own pass through.
        tool_choice: ``"auto"``, ``"none"``, ``"required"``, or a function: its name, ``{"function": name}`` or
            OpenAI's own form.
        cache: caching wishes for providers that take some (Anthropic: ``{"type": "ephemeral", "ttl": "1h"}``;
            OpenAI: ``{"key": …, "retention": …}``).
        metadata: yours: logged with the call, never sent to a provider.
        json_response: ask for a JSON answer without a schema.
        timeout: seconds for one attempt; absent inherits the ring's, ``None`` waits for ever.
        extra_params: merged last into the provider's request body.
        reasoning_effort: one knob for every provider: none, minimal, low, medium, high, xhigh or max.
        max_response_bytes: limit on the size of the answer, after decompression; absent inherits the ring's, ``None``
            sets none.
        files: ids of registered files (``ring.register_file``), which the model gets before the text of the first
            message of the user.

    Raises:
        ValidationError: a value that no provider could take (also a ``ValueError``).
    """

    messages: list[Message]
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    reasoning_tokens: int | None = None
    response_format: ResponseFormat[Parsed] = None
    tools: Sequence[Mapping[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    cache: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    json_response: bool | None = None
    timeout: float | UnsetType | None = UNSET
    extra_params: dict[str, Any] = msgspec.field(default_factory=dict)
    reasoning_effort: ReasoningEffort | None = None
    max_response_bytes: int | UnsetType | None = UNSET
    files: list[str] | None = None

    def __post_init__(self) -> None:
        self._check_messages()
        self.extra_params = self.extra_params or {}
        if self.model is not None and not isinstance(self.model, str):
            raise ValidationError(
                f"model must be a string or None; got {type(self.model).__name__}", field="model"
            )
        _number("temperature", self.temperature, least=-math.inf)
        _count("max_tokens", self.max_tokens, least=1)
        _count("reasoning_tokens", self.reasoning_tokens, least=0)
        if self.timeout is not UNSET:
            _number("timeout", self.timeout, least=0)
        if self.max_response_bytes is not UNSET:
            _count("max_response_bytes", self.max_response_bytes, least=1)
        for name in _CONTAINERS:
            value = getattr(self, name)
            if value is not None:
                _check_container(name, value)
        if self.files is not None and not _are_ids(self.files):
            raise ValidationError("files must be a list of ids, as register_file returns them", field="files")
        if self.reasoning_effort is not None and self.reasoning_effort not in _EFFORTS:
            raise ValidationError(
                f"reasoning_effort must be one of {', '.join(get_args(ReasoningEffort))}; got {self.reasoning_effort!r}",
                field="reasoning_effort",
            )

    @classmethod
    def _of(cls, fields: dict[str, Any]) -> Self:
        return cls(**fields)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Return the fields that were given, without the values of what may be a key: headers, tokens, passwords."""
        given = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [
            (name, _without_secrets(value) if name in _CONTAINERS else value)
            for name, value in given
            if value is not None and value is not UNSET and value != {}
        ]

    def __repr__(self) -> str:
        return f"LLMRequest({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def _check_messages(self) -> None:
        messages = self.messages
        if not isinstance(messages, (list, tuple)):
            raise ValidationError(
                f"messages must be a list of Message; got {type(messages).__name__}", field="messages"
            )
        if set(map(type, messages)) != {Message}:
            self.messages = read_messages(messages)


def _without_secrets(value: object) -> object:
    """Return a copy in which ``***`` stands for whatever a name of it says is a secret."""
    if isinstance(value, dict):
        return {
            name: "***" if isinstance(name, str) and _SECRET.search(name) else _without_secrets(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(inner) for inner in value]
    return value


def _are_ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


def _check_container(name: str, value: object) -> None:
    if name == "tools":
        _check_tools(value)
    elif not isinstance(value, dict) and not (name == "tool_choice" and isinstance(value, str)):
        raise ValidationError(f"{name} must be a dict; got {type(value).__name__}", field=name)


def _check_tools(tools: object) -> None:
    if not isinstance(tools, list):
        raise ValidationError(f"tools must be a list of dicts; got {type(tools).__name__}", field="tools")
    for place, tool in enumerate(tools):
        if isinstance(tool, dict):
            continue
        problem = f"tools[{place}] must be a dict; got {type(tool).__name__}"
        name = getattr(tool, "__name__", None) or getattr(tool, "name", None)
        if name is not None and (callable(tool) or hasattr(tool, "spec")):
            made = name if hasattr(tool, "spec") else f"llmring.tools.tool({name})"
            problem += f". To have it run: ring.run(request, tools=[{name}]). To answer its calls yourself: {made}.spec()"
        raise ValidationError(problem, field=f"tools[{place}]")


def _number(name: str, value: object, *, least: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValidationError(
            f"{name} must be a number or None; got {type(value).__name__}", field=name, value=value
        )
    if not math.isfinite(value):
        raise ValidationError(f"{name} must be a finite number; got {value}", field=name, value=value)
    if value < least:
        raise ValidationError(f"{name} must be {least} or more; got {value}", field=name, value=value)


def _count(name: str, value: object, *, least: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(
            f"{name} must be an integer or None; got {type(value).__name__}", field=name, value=value
        )
    if value < least:
        raise ValidationError(f"{name} must be {least} or more; got {value}", field=name, value=value)
