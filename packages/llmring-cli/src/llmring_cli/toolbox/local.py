"""The tools over a lockfile of this machine and the registry."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from llmring.registry import Registry
from llmring_types.exceptions import LLMRingError

from llmring_cli._output import json_text
from llmring_cli.toolbox import arguments as args
from llmring_cli.toolbox.box import CHANGES, SAVE, ToolResult, spec
from llmring_cli.toolbox.costs import compare_costs
from llmring_cli.toolbox.draft import Draft
from llmring_cli.toolbox.edits import Edits
from llmring_cli.toolbox.questions import Questions
from llmring_cli.toolbox.tool import Tool


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
