"""Options that several commands have, with their completions, which are computed when the user presses Tab."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, Token

from llmring_cli._output import one_line

if TYPE_CHECKING:
    from cyclopts.completion import CompletionContext

_PORTS = range(65536)


def _complete_aliases(_context: "CompletionContext") -> dict[str, str]:
    """Return the aliases of the active profile, each with its pool."""
    return own_aliases()


def own_aliases() -> dict[str, str]:
    """Return the aliases of the active profile, each with its pool.

    Raises:
        LLMRingError: the lockfile cannot be read.
    """
    from llmring_lockfile import active_profile, load  # noqa: PLC0415

    lockfile = load()
    bindings = lockfile.profile(active_profile(lockfile).name).bindings
    return _printable({binding.alias: ", ".join(map(str, binding.models)) for binding in bindings})


def _complete_profiles(_context: "CompletionContext") -> list[str]:
    """Return the profiles of the lockfile."""
    from llmring_lockfile import load  # noqa: PLC0415

    return list(_printable(dict.fromkeys(load().profiles, "")))


def _complete_models(_context: "CompletionContext") -> dict[str, str]:
    """Return the aliases, then the models."""
    return {**own_aliases(), **known_models()}


def _complete_pools(context: "CompletionContext") -> dict[str, str]:
    """Return the pools that begin with the text so far and have one more model after its last comma."""
    before, comma, _ = context.incomplete.rpartition(",")
    return {
        f"{before}{comma}{name}": title
        for name, title in known_models().items()
        if name not in before.split(",")
    }


def known_models() -> dict[str, str]:
    """Return the models that the registry lists as served, each with its display name."""
    from llmring import open_registry  # noqa: PLC0415
    from llmring.registry import PROVIDERS  # noqa: PLC0415

    registry = open_registry()
    return _printable(
        {
            f"{name}:{facts.model}": facts.display_name or ""
            for name in PROVIDERS
            for facts in registry.models(name)
            if facts.active is not False
        }
    )


def _printable(names: dict[str, str]) -> dict[str, str]:
    """Return the names that can be typed, with descriptions of one line; shells print both as they are."""
    return {name: one_line(text) for name, text in names.items() if one_line(name) == name}


def _complete_providers(_context: "CompletionContext") -> list[str]:
    """Return the providers that come with llmring, and those of installed packages."""
    from llmring import provider_status  # noqa: PLC0415

    return [row.name for row in provider_status()]


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
        completer=_complete_profiles,
    ),
]
Alias = Annotated[str, Parameter(completer=_complete_aliases)]
ModelName = Annotated[str, Parameter(completer=_complete_models)]
"""An alias or ``provider:model``."""
Pool = Annotated[str, Parameter(completer=_complete_pools)]
"""``provider:model``, or several with commas between them."""
ProviderName = Annotated[str, Parameter(completer=_complete_providers)]


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
Dollars = Annotated[Decimal, Parameter(validator=_price)]
AnswerSchema = Annotated[
    str | None,
    Parameter(
        name="--schema",
        help="The form of the answers, whose fields become columns: module:Type or file.py:Type, whose code runs, "
        "a file that ends in .json, a JSON Schema, or fields as in: name, age int, tags str[]",
    ),
]


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
