"""The usage log that a command reads, and which of its rows."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from llmring import usage_log_path

from llmring_cli._failure import CommandError
from llmring_cli._parameters import Alias, ModelName

LogPath = Annotated[
    Path | None, Parameter(name="--log", help="The usage log; LLMRING_USAGE_LOG when it is left out.")
]
OfModel = Annotated[
    ModelName | None, Parameter(help="Only this model's calls: provider:model, or the model alone.")
]
OfAlias = Annotated[Alias | None, Parameter(help="Only what was asked for by this alias.")]
OfOrigin = Annotated[str | None, Parameter(help="Only what this origin asked.")]


def find_usage_log(path: Path | None) -> Path:
    """Return the log: the one named, else the one that rings of this environment write.

    Raises:
        CommandError: there is none.
    """
    path = path or usage_log_path()
    if path is None:
        raise CommandError(
            "no usage log is kept: set LLMRING_USAGE_LOG=FILE for the application, which then writes one, "
            "or name one with --log FILE"
        )
    return path
