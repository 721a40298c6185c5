"""Points in time as people write them on a command line."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from cyclopts import Parameter, Token

from llmring_cli._clock import now, today

_AGO = re.compile(r"(\d{1,5})([hdw])")
_YEARS = range(1970, 9999)
"""Those of which every day has another one before and behind it, in every zone."""
_HOURS = {"h": 1, "d": 24, "w": 168}


def parse_moment(text: str) -> date | datetime:
    """Return the day or the time that is meant; a time without a zone is UTC, as days are.

    ``2026-11-22``, ``2026-11-22T09:30`` and the rest of ISO 8601, ``today``, ``yesterday``, ``12h``, ``7d``,
    ``2w`` ago.

    Raises:
        ValueError: it is none of these.
    """
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(now() - timedelta(hours=int(ago[1]) * _HOURS[ago[2]]), datetime.fromtimestamp(0, UTC))
    if text in ("today", "yesterday"):
        return today() - timedelta(days=text == "yesterday")
    moment = _iso_moment(text)
    if moment is None or moment.year not in _YEARS:
        raise ValueError(
            f"{text!r} is not a time: write 2026-11-22, 2026-11-22T09:30, today, yesterday, 12h, 7d or 2w."
        )
    return moment


def read_moment(_type: Any, tokens: Sequence[Token]) -> date | datetime:
    """The same for cyclopts."""
    return parse_moment(tokens[0].value)


Since = Annotated[
    date | datetime | None,
    Parameter(
        name=("--since", "--start-date"),
        converter=read_moment,
        help="Only calls from this time on, in UTC: 2026-11-22, 2026-11-22T09:30, today, yesterday, 12h, 7d, 2w.",
    ),
]
Until = Annotated[
    date | datetime | None,
    Parameter(
        name=("--until", "--end-date"),
        converter=read_moment,
        help="Only calls up to this time; a day is meant with all its hours.",
    ),
]


def _iso_moment(text: str) -> date | datetime | None:
    try:
        return date.fromisoformat(text) if len(text) <= len("2026-11-22") else _with_zone(text)
    except ValueError:
        return None


def _with_zone(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
