"""Choices among tools in the form of any provider, and the arguments of calls as objects.

A model may break off in the middle of the arguments, or write no JSON; the neutral form keeps what it wrote, and the
loop that feeds it back has to go on. Where a protocol has an object in their place, such text is wrapped into one, as
Anthropic advises:
https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._protocol import ChatCall

Mode = Literal["auto", "none", "required"]
_WORDS: Mapping[str, Mode] = {
    "auto": "auto",
    "none": "none",
    "required": "required",
    "any": "required",  # Anthropic and Gemini
    "validated": "auto",  # Gemini: auto, with calls that keep to their schemas
}
_INVALID = "INVALID_JSON"


class ToolChoice(NamedTuple):
    """A choice.

    Attributes:
        mode: whether tools may or must be called.
        names: the functions among which; none means all.
    """

    mode: Mode
    names: tuple[str, ...] = ()


def read_choice(choice: str | Mapping[str, Any], names: Iterable[str]) -> ToolChoice | None:
    """Read a choice: a word, a function's name, or a dict in the form of OpenAI, Anthropic or Gemini.

    ``None`` for a form that no two providers share, such as the choice of a hosted tool.

    Args:
        choice: as the request has it.
        names: those of the functions there are; one of them may be called like a word.
    """
    if isinstance(choice, str):
        mode = None if choice in names else _WORDS.get(choice.lower())
        return ToolChoice(mode) if mode else ToolChoice("required", (choice,))
    kind, allowed = choice.get("type"), choice.get("allowed_tools")
    if kind == "allowed_tools" or isinstance(allowed, Mapping):
        inner = allowed if isinstance(allowed, Mapping) else choice
        return _among(inner.get("mode", "auto"), function_names(_list(inner.get("tools"))))
    if kind is None and "mode" in choice:
        among = _list(choice.get("allowedFunctionNames") or choice.get("allowed_function_names"))
        return _among(choice["mode"], (name for name in among if isinstance(name, str)))
    name = _name(choice) if kind in (None, "function", "tool") else None
    return ToolChoice("required", (name,)) if name is not None else _among(kind, ())


def function_names(tools: Iterable[Any]) -> list[str]:
    """Return the names of the functions among tools."""
    functions = (
        tool for tool in tools if isinstance(tool, Mapping) and tool.get("type", "function") == "function"
    )
    names = (_name(function) for function in functions)
    return [name for name in names if name is not None]


def distinct(
    tools: Sequence[Mapping[str, Any]], call: ChatCall, warnings: list[str]
) -> Sequence[Mapping[str, Any]]:
    """Return the tools, each function once: vendors refuse two of one name.

    Raises:
        UnsupportedContentError: two different functions have one name, so a call would be ambiguous.
    """
    first: dict[str, Any] = {}
    kept: list[Mapping[str, Any]] = []
    for tool in tools:
        for name in _offered((tool,)):
            if name not in first:
                first[name] = tool
                kept.append(tool)
            elif first[name] != tool:
                raise UnsupportedContentError(
                    f"two different tools are named {name!r}; give each its own name",
                    provider=call.ref.provider,
                    part="tools",
                )
            else:
                warnings.append(f"a second tool {name!r} was left out: it is the same as the first")
            break
        else:
            kept.append(tool)
    return kept if len(kept) < len(tools) else tools


def check_choice(call: ChatCall) -> None:
    """Refuse a choice of a function that is not offered, as vendors do.

    Raises:
        UnsupportedContentError: there is no such function.
    """
    request = call.request
    tools, choice = request.tools, request.tool_choice
    if choice is None or "tools" in request.extra_params:
        return
    names = set(_offered(tools or ()))
    read = read_choice(choice, names)
    missing = sorted(set(read.names) - names) if read else []
    if missing:
        there = (
            f"is none of the tools: {', '.join(sorted(names)) or 'no functions'}"
            if tools
            else "needs tools=[…] with it"
        )
        raise UnsupportedContentError(
            f"tool_choice names {missing[0]!r}, which {there}",
            provider=call.ref.provider,
            part="tool_choice",
        )


def _offered(tools: Iterable[Any]) -> Iterator[str]:
    """Yield the names of tools of any kind; functions in Gemini's form stand in a list."""
    for tool in tools:
        if not isinstance(tool, Mapping):
            continue
        for place in (tool, tool.get("function"), tool.get("custom")):
            name = place.get("name") if isinstance(place, Mapping) else None
            if isinstance(name, str):
                yield name
        for declared in ("functionDeclarations", "function_declarations"):
            yield from _offered(_list(tool.get(declared)))


def _among(word: object, names: Iterable[str]) -> ToolChoice | None:
    mode = _WORDS.get(word.lower()) if isinstance(word, str) else None
    return ToolChoice(mode, tuple(names)) if mode else None


def _name(choice: Mapping[str, Any]) -> str | None:
    function = choice.get("function")
    name = function.get("name") if isinstance(function, Mapping) else function or choice.get("name")
    return name if isinstance(name, str) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def unquoted(arguments: Any) -> Any:
    """Return arguments that were encoded twice as the object that they are, anything else as it came.

    https://github.com/openclaw/openclaw/pull/40425
    """
    if not isinstance(arguments, str) or not arguments.startswith('"'):
        return arguments
    try:
        inner = msgspec.json.decode(arguments, type=str)
        _decode_object(inner)
    except (*DECODE_ERRORS, UnicodeEncodeError):
        return arguments
    return inner


def arguments_object(function: Mapping[str, Any], warnings: list[str]) -> Any:
    """Return the arguments as an object for the encoder; text that is one goes out as the model wrote it."""
    given = unquoted(function.get("arguments"))
    if not isinstance(given, str):
        return given or {}
    if not given or given.isspace():
        return {}
    try:
        _decode_object(given)
        return msgspec.Raw(given)
    except (*DECODE_ERRORS, UnicodeEncodeError):
        warning = f"the arguments of a call of {function.get('name')!r} are not a JSON object: they were sent as text inside one"
        if warning not in warnings:
            warnings.append(warning)
        return {_INVALID: given}


def arguments_text(function: Mapping[str, Any], warnings: list[str]) -> Any:
    """Return the arguments for a host that reads its text: an object, in the words of the model if it wrote one.

    OpenAI itself takes whatever it said: https://github.com/charmbracelet/crush/issues/3153
    """
    written = arguments_object(function, warnings)
    return bytes(written).decode() if isinstance(written, msgspec.Raw) else written
