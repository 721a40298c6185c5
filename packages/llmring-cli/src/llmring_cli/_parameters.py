"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from llmring_cli import _complete

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Json = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print JSON and nothing else.")
]
LockfilePath = Annotated[
    Path | None,
    Parameter(
        name=("--lockfile", "--file", "-f"), help="The lockfile; the one that applications here would find."
    ),
]
ProfileName = Annotated[
    str | None,
    Parameter(
        name="--profile",
        help="The profile; LLMRING_PROFILE or the lockfile's default when it is left out.",
        completer=_complete.profiles,
    ),
]
Alias = Annotated[str, Parameter(completer=_complete.aliases)]
ModelName = Annotated[str, Parameter(completer=_complete.models)]
"""An alias or ``provider:model``."""
ProviderName = Annotated[str, Parameter(completer=_complete.providers)]
