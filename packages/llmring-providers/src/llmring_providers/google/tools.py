"""Tools, the choice among them, and answers in JSON.

Gemini 2.5 and older refuse a JSON answer beside functions. There the answer is asked for as one more function, which
the model calls when it is done; the decoder turns that call back into text.

https://ai.google.dev/gemini-api/docs/function-calling
https://ai.google.dev/gemini-api/docs/tool-combination
https://ai.google.dev/gemini-api/docs/structured-output
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec
from llmring_types import function_spec
from llmring_types.exceptions import UnsupportedContentError

from llmring_providers._fit.formats import in_dialect, unknown_format, wanted_format, wanted_schema
from llmring_providers._fit.tools import Mode, read_choice
from llmring_providers._protocol import ChatCall
from llmring_providers.schema import GEMINI, GEMINI_OPENAPI, WRAPPER, wraps

_HOSTED = frozenset(
    {
        "codeExecution",
        "computerUse",
        "enterpriseWebSearch",
        "exaAiSearch",
        "fileSearch",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "mcpServers",
        "parallelAiSearch",
        "retrieval",
        "urlContext",
    }
)
_OF_A_FUNCTION = frozenset({"type", "function", "name", "description", "parameters"})
_DECLARED = frozenset({"behavior", "parametersJsonSchema", "response", "responseJsonSchema"})
"""Gemini's own fields of a declaration, passed as they are."""

_MODES: Mapping[Mode, str] = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
ANSWER_TOOL = "respond_with_structure"
_ARGUMENTS = GEMINI._replace(object_answers=True)


def camel(name: str) -> str:
    """``google_search`` as ``googleSearch``: Gemini takes both, we merge by one."""
    return re.sub(r"_+([a-z0-9])", lambda found: found[1].upper(), name)


class Tools:
    """The tools of a request: functions, and Gemini's own.

    Attributes:
        functions: declarations.
        hosted: tools that Gemini runs itself, as they go on the wire.
        strict: some function asks that calls keep to its schema.
    """

    def __init__(self, tools: Iterable[Mapping[str, Any]], call: ChatCall) -> None:
        self.functions: list[dict[str, Any]] = []
        self.hosted: list[dict[str, Any]] = []
        self.strict = False
        for tool in tools:
            self._add(tool, call)

    def names(self) -> list[str]:
        """The functions' names."""
        return [function.get("name", "") for function in self.functions]

    def wire(self) -> list[dict[str, Any]]:
        """Return the ``tools`` of a body."""
        return [*self.hosted, {"functionDeclarations": self.functions}] if self.functions else self.hosted

    def _add(self, tool: Mapping[str, Any], call: ChatCall) -> None:
        if tool.keys().isdisjoint(_OF_A_FUNCTION):
            self._add_own(tool)
            return
        function = function_spec(tool)
        if function is None:
            self.hosted.append(_hosted(tool, call))
        else:
            self.functions.append(_declaration(function, call))
            self.strict = self.strict or function.get("strict") is True

    def _add_own(self, tool: Mapping[str, Any]) -> None:
        """Take a tool in Gemini's own form: ``{"googleSearch": {}}``, or functions already declared."""
        others = dict(tool)
        for name, value in tool.items():
            if camel(name) == "functionDeclarations" and isinstance(value, list):
                self.functions += [function for function in others.pop(name) if isinstance(function, dict)]
        if others:
            self.hosted.append(others)


def _hosted(tool: Mapping[str, Any], call: ChatCall) -> dict[str, Any]:
    """``{"type": "google_search", …}`` in Gemini's form."""
    kind = camel(str(tool["type"]))
    if kind not in _HOSTED:
        raise UnsupportedContentError(
            f"{call.ref} has no tool of type {tool['type']!r}; it has {', '.join(sorted(_HOSTED))}"
            f" (write {{{kind!r}: {{}}}} to send one as it is)",
            provider=call.ref.provider,
            part="tools",
        )
    options = {name: value for name, value in tool.items() if name != "type"}
    if len(options) == 1 and kind in map(camel, options):
        return {kind: next(iter(options.values()))}
    return {kind: options}


def _declaration(function: Mapping[str, Any], call: ChatCall) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": function["name"]}
    if function.get("description"):
        declared["description"] = function["description"]
    parameters = function.get("parameters")
    if parameters:
        if isinstance(parameters, Mapping) and is_openapi(parameters):
            declared["parameters"] = in_dialect(parameters, GEMINI_OPENAPI, call).json
        else:
            declared["parametersJsonSchema"] = in_dialect(parameters, GEMINI, call).json
    declared.update((camel(name), value) for name, value in function.items() if camel(name) in _DECLARED)
    return declared


def function_calling(
    choice: str | Mapping[str, Any] | None, tools: Tools, warnings: list[str]
) -> dict[str, Any] | None:
    """Return the ``functionCallingConfig`` for a choice, however it was written; ``None`` for the default."""
    if not tools.functions:
        if choice not in (None, "auto", "none"):
            warnings.append("tool_choice was dropped: there is no function to choose")
        return None
    if isinstance(choice, Mapping) and "mode" in choice and "type" not in choice:  # Gemini's own form
        return dict(choice)
    mode, names = _chosen(choice, tools, warnings)
    if mode in (None, "AUTO") and tools.strict:
        mode = "VALIDATED"  # auto, with calls that keep to their schemas
    if mode is None:
        return None
    return {"mode": mode, "allowedFunctionNames": names} if names else {"mode": mode}


def _chosen(
    choice: str | Mapping[str, Any] | None, tools: Tools, warnings: list[str]
) -> tuple[str | None, list[str]]:
    if choice is None:
        return None, []
    names = tools.names()
    read = read_choice(choice, names)
    if read is None:
        warnings.append(f"tool_choice was dropped: Gemini has no choice such as {choice!r}")
        return None, []
    if read.mode == "auto" and (read.names or (isinstance(choice, str) and choice.lower() == "validated")):
        return "VALIDATED", list(read.names)  # AUTO takes no names
    return _MODES[read.mode], list(read.names)


class JsonAnswer(NamedTuple):
    """A request for a JSON answer; without a schema any JSON will do."""

    schema: Mapping[str, Any] | None


def json_answer(call: ChatCall) -> JsonAnswer | None:
    """Read what the request wants, if anything.

    Raises:
        UnsupportedContentError: a format that Gemini does not have.
    """
    wanted = wanted_format(call)
    kind = "text" if wanted is None else wanted.get("type")
    if wanted is None or kind == "text":
        return None
    if kind == "json_object":
        return JsonAnswer(None)
    if kind == "json_schema":
        return JsonAnswer(wanted_schema(wanted))
    raise unknown_format(wanted, call)


def as_config(answer: JsonAnswer, call: ChatCall) -> dict[str, Any]:
    """Return the fields of the generation config that ask for it."""
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if answer.schema is not None and is_openapi(answer.schema):
        config["responseSchema"] = in_dialect(answer.schema, GEMINI_OPENAPI, call).json
    elif answer.schema is not None:
        config["responseJsonSchema"] = in_dialect(answer.schema, GEMINI, call, answer=True).json
    return config


def is_openapi(schema: Mapping[str, Any]) -> bool:
    """Return whether it is in Gemini's older schema language, which has type names in capitals and own fields."""
    kind = schema.get("type")
    return isinstance(kind, str) and kind.isupper()


def as_function(schema: Mapping[str, Any], call: ChatCall) -> dict[str, Any]:
    """Return the function declaration that asks for it."""
    declared: dict[str, Any] = {
        "name": ANSWER_TOOL,
        "description": "Give the final answer. Call it once, when nothing is left to be done with the other functions.",
    }
    if is_openapi(schema):
        declared["parameters"] = in_dialect(schema, GEMINI_OPENAPI, call).json
    else:
        declared["parametersJsonSchema"] = in_dialect(schema, _ARGUMENTS, call, answer=True).json
    return declared


def answer_text(arguments: Any, schema: Mapping[str, Any]) -> str:
    """The text that a call of the answer function stands for."""
    if not is_openapi(schema) and wraps(schema) and isinstance(arguments, Mapping):
        arguments = arguments.get(WRAPPER, arguments)
    return msgspec.json.encode(arguments).decode()
