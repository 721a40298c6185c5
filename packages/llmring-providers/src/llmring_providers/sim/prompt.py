"""The request to a simulated model, whatever its protocol."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from llmring_types import LLMRequest, Message, function_spec

from llmring_providers._fit.formats import wanted_schema
from llmring_providers._fit.tools import read_choice
from llmring_providers.hosting import HostedRequest, ProtocolName

Speaker = Literal["system", "user", "assistant", "tool"]


class Turn(msgspec.Struct, frozen=True):
    """One message, as text; a part that is not text stands there in brackets, such as ``[image_url]``."""

    role: Speaker
    text: str
    tool: str = ""
    """On a tool's result, the name of the tool where the protocol tells it."""


class Tool(msgspec.Struct, frozen=True):
    name: str
    schema: Mapping[str, Any]


class Prompt(msgspec.Struct, kw_only=True, frozen=True):
    """One chat request, read neutrally.

    Attributes:
        protocol: ``openai``, ``responses``, ``anthropic``, ``google`` or ``ollama``.
        reasoning: reasoning is wanted, and to be shown.
        forced: tools must be called: ``True`` for any, or the name of one; ``False`` where none may be.
        schema: the JSON schema of the answer; empty for any object, ``None`` where no JSON is wanted.
        usage_in_stream: whether a stream is to report usage.
    """

    protocol: str
    model: str
    turns: tuple[Turn, ...]
    stream: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    reasoning: bool = False
    tools: tuple[Tool, ...] = ()
    forced: bool | str | None = None
    parallel: bool = True
    schema: Mapping[str, Any] | None = None
    usage_in_stream: bool = True

    @property
    def question(self) -> str:
        """The user's last message."""
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def results(self) -> tuple[Turn, ...]:
        """The tool results at the end of the conversation, oldest first."""
        found = []
        for turn in reversed(self.turns):
            if turn.role != "tool":
                break
            found.append(turn)
        return tuple(reversed(found))


class UnreadablePromptError(Exception):
    """The request is not what its protocol says; a real provider would answer 400 with this text."""


PROTOCOLS: Mapping[ProtocolName, str] = {
    "openai_chat": "openai",
    "openai_responses": "responses",
    "anthropic": "anthropic",
    "gemini": "google",
    "ollama": "ollama",
    "bedrock": "bedrock",
}
"""The names that scripts have for the protocols."""
_OF_A_FUNCTION = frozenset({"type", "function", "name", "parameters", "input_schema"})


def prompt_of(asked: HostedRequest) -> Prompt:
    """Return what a model is shown of a request.

    Raises:
        UnreadablePromptError: the schema of a function is none.
        ValidationError: a function has no name.
    """
    request, extra = asked.request, asked.request.extra_params
    tools = tuple(_tools(request.tools or ()))
    stop = extra.get("stop")
    return Prompt(
        protocol=PROTOCOLS[asked.route.protocol],
        model=request.model or "",
        turns=tuple(_turns(request.messages)),
        stream=asked.stream,
        max_tokens=request.max_tokens,
        stop=(stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list) else (),
        reasoning=_reasons(request),
        tools=tools,
        forced=_forced(request.tool_choice, tools),
        parallel=extra.get("parallel_tool_calls") is not False,
        schema=_schema(request.response_format),
        usage_in_stream=asked.usage_in_stream,
    )


def _turns(messages: Iterable[Message]) -> Iterable[Turn]:
    names: dict[str | None, str] = {}
    for message in messages:
        for call in message.tool_calls or ():
            if "function" in call:
                names[call["id"]] = call["function"]["name"]
        name = (names.get(message.tool_call_id) or message.name or "") if message.role == "tool" else ""
        yield Turn(message.role, _text(message.content), name)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text") or f"[{part['type']}]") for part in content or ())


def _tools(tools: Iterable[Mapping[str, Any]]) -> Iterable[Tool]:
    """Yield the functions; a provider's own tools are left out."""
    for tool in tools:
        spec = None if tool.keys().isdisjoint(_OF_A_FUNCTION) else function_spec(tool)
        if spec is None:
            continue
        schema = spec.get("parameters") or {}
        if not isinstance(schema, Mapping):
            raise UnreadablePromptError(f"the parameters of {spec['name']!r} must be a JSON schema")
        yield Tool(spec["name"], schema)


def _forced(choice: str | Mapping[str, Any] | None, tools: Iterable[Tool]) -> bool | str | None:
    """Return what a choice forces; see :attr:`Prompt.forced`."""
    read = None if choice is None else read_choice(choice, [tool.name for tool in tools])
    if read is None or read.mode == "auto":
        return None
    if read.mode == "none":
        return False
    return read.names[0] if len(read.names) == 1 else True


def _reasons(request: LLMRequest) -> bool:
    thinking = request.extra_params.get("thinkingConfig")
    shown = thinking.get("includeThoughts") if isinstance(thinking, Mapping) else None
    if request.reasoning_tokens or request.reasoning_effort not in (None, "none"):
        return shown is not False
    return shown is True


def _schema(wanted: Any) -> Mapping[str, Any] | None:
    """Return the schema of the answer; see :attr:`Prompt.schema`."""
    if not isinstance(wanted, Mapping) or wanted.get("type") not in ("json_schema", "json_object"):
        return None
    return wanted_schema(wanted) or {}
