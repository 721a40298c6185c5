"""Options that several commands have."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from llmring_cli import _complete

_PORTS = range(65536)

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
Json = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print JSON and nothing else.")
]
LockfilePath = Annotated[
    Path | None,
    Parameter(
        name=("--lockfile", "--file", "-f"),
        help="The lockfile. Default: the one that applications in this folder would find.",
    ),
]
ProfileName = Annotated[
    str | None,
    Parameter(
        name="--profile",
        help="The profile. Default: LLMRING_PROFILE, else the lockfile's own default.",
        completer=_complete.profiles,
    ),
]
Alias = Annotated[str, Parameter(completer=_complete.aliases)]
ModelName = Annotated[str, Parameter(completer=_complete.models)]
"""An alias or ``provider:model``."""
Pool = Annotated[str, Parameter(completer=_complete.pools)]
"""``provider:model``, or several with commas between them."""
ProviderName = Annotated[str, Parameter(completer=_complete.providers)]


def _at_least_one(_: object, value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError("It takes 1 or more.")


def _port(_: object, value: int) -> None:
    if value not in _PORTS:
        raise ValueError(f"It takes 0 to {_PORTS[-1]}.")


def _price(_: object, value: Decimal | None) -> None:
    if value is not None and not (value.is_finite() and value > 0):
        raise ValueError("It takes a number above 0.")


Count = Annotated[int, Parameter(validator=_at_least_one)]
Port = Annotated[int, Parameter(validator=_port)]
Price = Annotated[Decimal, Parameter(validator=_price)]
"""US dollars per million tokens."""


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the date in UTC, the time zone of registries."""
    return now().date()


def read_moment(_type: Any, tokens: Sequence[Token]) -> date | datetime:
    """Read a day or a time for cyclopts.

    Raises:
        ValidationError: it is none (also a ``ValueError``).
    """
    from llmring.usage import parse_moment  # noqa: PLC0415 - most commands take no time

    return parse_moment(tokens[0].value, now=now())


Since = Annotated[
    date | datetime | None,
    Parameter(
        name=("--since", "--start-date"),
        converter=read_moment,
        help="Only calls since this time, in UTC: 2026-11-22, 2026-11-22T09:30, today, yesterday, 12h, 7d, 2w.",
    ),
]
Until = Annotated[
    date | datetime | None,
    Parameter(
        name=("--until", "--end-date"),
        converter=read_moment,
        help="Only calls up to this time. A date includes the whole day.",
    ),
]
