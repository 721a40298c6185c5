"""Options that several commands have."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from llmring_cli import _complete

_PORTS = range(65536)


def _at_least_one(_: object, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("It takes 1 or more.")


def _port(_: object, value: int) -> None:
    if value not in _PORTS:
        raise ValueError(f"It takes 0 to {_PORTS[-1]}.")


def _price(_: object, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise ValueError("It takes a number above 0.")


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
Pool = Annotated[str, Parameter(completer=_complete.pools)]
"""``provider:model``, or several with commas between them."""
ProviderName = Annotated[str, Parameter(completer=_complete.providers)]
Count = Annotated[int, Parameter(validator=_at_least_one)]
Port = Annotated[int, Parameter(validator=_port)]
Price = Annotated[Decimal, Parameter(validator=_price)]
"""US dollars per million tokens."""
