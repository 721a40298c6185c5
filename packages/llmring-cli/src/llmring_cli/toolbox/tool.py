"""Tools for models: one tool, and the set over a local lockfile and the registry."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from llmring.registry import Registry
from llmring_types.exceptions import LLMRingError, ValidationError

from llmring_cli._output import json_text
from llmring_cli.toolbox import arguments as args
from llmring_cli.toolbox.draft import Draft, Edits, Questions, compare_costs

A = TypeVar("A", bound=msgspec.Struct)

SAVE = "save_lockfile"
"""The tool that writes."""
CHANGES = "show_changes"
"""The tool that shows what would be written."""


class Tool(Generic[A]):
    """A function for a model.

    Args:
        name: as the model calls it.
        description: of its purpose, for the model.
        arguments: a struct; its fields and their descriptions become the schema.
        run: does the work and returns something for JSON.
        writes: it changes the lockfile on disk, so that a person has to confirm.
    """

    def __init__(
        self,
        name: str,
        description: str,
        arguments: type[A],
        run: Callable[[A], Any],
        *,
        writes: bool = False,
    ) -> None:
        self.name = name
        self.description = description
        self.writes = writes
        self._arguments = arguments
        self._run = run

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        schema = msgspec.json.schema(self._arguments)
        (_, root), *more = schema["$defs"].items()
        if more:
            raise TypeError(f"the arguments of {self.name} must be flat")
        return {key: value for key, value in root.items() if key != "title"}

    def call(self, arguments: object) -> Any:
        """Run the tool.

        Raises:
            LLMRingError: the arguments are wrong, or the tool fails.
        """
        try:
            decoded = msgspec.convert(arguments, self._arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ValidationError(f"wrong arguments for {self.name}: {error}") from error
        try:
            return self._run(decoded)
        except LLMRingError:
            raise
        except ValueError as error:
            raise ValidationError(f"{self.name}: {error}") from error


class ToolResult(NamedTuple):
    """The answer of a tool: text, mostly JSON, and a flag for errors."""

    text: str
    is_error: bool = False


def spec(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a tool in OpenAI's form."""
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


class Toolbox(Protocol):
    """Tools for a model."""

    async def specs(self) -> Sequence[dict[str, Any]]:
        """Return the tools in OpenAI's form."""

    async def call(self, name: str, arguments: object) -> ToolResult:
        """Call a tool. Errors are part of the result, so that the model can correct itself."""


class LocalToolbox:
    """Tools that look at the registry, and tools that change a draft of the lockfile.

    Only ``save_lockfile`` writes.

    Args:
        draft: the lockfile.
        registry: what is known of models.
    """

    def __init__(self, draft: Draft, registry: Registry) -> None:
        self.draft = draft
        self.tools = {tool.name: tool for tool in _tools(draft, registry)}

    async def specs(self) -> Sequence[dict[str, Any]]:
        return [spec(tool.name, tool.description, tool.parameters) for tool in self.tools.values()]

    async def call(self, name: str, arguments: object) -> ToolResult:
        tool = self.tools.get(name)
        if tool is None:
            return ToolResult(f"there is no tool {name}; there are {', '.join(self.tools)}", is_error=True)
        try:
            return ToolResult(json_text(tool.call(arguments)))
        except LLMRingError as error:
            return ToolResult(str(error), is_error=True)


def _tools(draft: Draft, registry: Registry) -> Sequence[Tool[Any]]:
    questions, edits = Questions(draft, registry), Edits(draft)
    return (
        Tool(
            "get_configuration",
            "The lockfile, its profiles, and which providers can be used.",
            args.Nothing,
            questions.configuration,
        ),
        Tool(
            "list_aliases",
            "The aliases of a profile, with the changes made so far.",
            args.InProfile,
            questions.aliases,
        ),
        Tool(
            "list_models",
            "Every model that the registry lists, in brief.",
            args.ListModels,
            questions.list_models,
        ),
        Tool(
            "find_models",
            "Models that meet every need, best first, each with a reason. Computed.",
            args.FindModels,
            questions.find,
        ),
        Tool(
            "get_models",
            "All that is known of some models, and what speaks against using them.",
            args.NamedModels,
            questions.details,
        ),
        Tool(
            "compare_costs",
            "What a stated load costs with each of some models.",
            args.CompareCosts,
            partial(compare_costs, registry),
        ),
        Tool(
            "validate_lockfile",
            "Check every model of every pool, with the changes made so far.",
            args.Nothing,
            questions.validate,
        ),
        Tool(CHANGES, "What would be written, as a unified diff.", args.Nothing, questions.changes),
        Tool(
            "bind_alias",
            "Bind an alias to a pool of models, in the draft; the old pool is replaced.",
            args.BindAlias,
            edits.bind,
        ),
        Tool("unbind_alias", "Remove an alias, in the draft.", args.UnbindAlias, edits.unbind),
        Tool(
            "set_default_profile",
            "Choose the profile used where none is named, in the draft.",
            args.NamedProfile,
            edits.set_default_profile,
        ),
        Tool("discard_changes", "Forget every change that is not written.", args.Nothing, edits.discard),
        Tool(SAVE, "Write the changes to the lockfile.", args.Nothing, edits.save, writes=True),
    )
