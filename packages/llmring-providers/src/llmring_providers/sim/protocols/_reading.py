"""Readers that several protocols share."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llmring_types import function_spec
from llmring_types.exceptions import ValidationError

from llmring_providers.sim.prompt import Tool, UnreadablePromptError


def read_tools(tools: Iterable[Mapping[str, Any]] | None) -> tuple[Tool, ...]:
    """The functions among the tools, nested or flat; a provider's own tools are left out."""
    try:
        specs = [function_spec(tool) for tool in tools or ()]
    except ValidationError as error:
        raise UnreadablePromptError(str(error)) from error
    return tuple(_tool(spec) for spec in specs if spec is not None)


def _tool(spec: Mapping[str, Any]) -> Tool:
    schema = spec.get("parameters") or {}
    if not isinstance(schema, Mapping):
        raise UnreadablePromptError(f"the parameters of {spec['name']!r} must be a JSON schema")
    return Tool(spec["name"], schema)


def forced(choice: str | Mapping[str, Any] | None) -> bool | str | None:
    """Return the function that a tool choice forces; see :attr:`Prompt.forced`."""
    if isinstance(choice, Mapping):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, Mapping) else choice.get("name")
        return name if isinstance(name, str) else None
    return {"none": False, "required": True}.get(choice or "")


def text_of(content: str | Sequence[Mapping[str, Any]] | None) -> str:
    """The text of a content; a part that is not text is named in brackets."""
    if isinstance(content, str):
        return content
    return " ".join(str(part.get("text") or f"[{part.get('type')}]") for part in content or ())
