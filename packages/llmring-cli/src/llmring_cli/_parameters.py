"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

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
        name="--profile", help="The profile; LLMRING_PROFILE or the lockfile's default when it is left out."
    ),
]
