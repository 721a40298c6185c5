"""Points in time as people write them."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

from llmring_types.exceptions import ValidationError

Moment: TypeAlias = date | datetime | str
"""A day, a time (without a zone it is UTC), or a text that :func:`parse_moment` reads. A day as an end is whole."""

_AGO = re.compile(r"(\d{1,5})([hdw])", re.ASCII)
_HOURS = {"h": 1, "d": 24, "w": 168}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = range(_FIRST.year, 9999)
"""Years whose days have a day before and behind them, in every zone."""


def parse_moment(text: str, *, now: datetime | None = None) -> date | datetime:
    """Return the day or the time that a text names. Days, and times without a zone, are UTC.

    Args:
        text: ``2026-11-22``, ``2026-11-22T09:30`` and the rest of ISO 8601, ``today``, ``yesterday``, or how long ago:
            ``12h``, ``7d``, ``2w``.
        now: the time to count from; ``None`` asks the clock.

    Raises:
        ValidationError: it is none of these, or lies outside of the years 1970 to 9998 (also a ``ValueError``).
    """
    now = (now or datetime.now(UTC)).astimezone(UTC)
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return max(now - timedelta(hours=int(ago[1]) * _HOURS[ago[2]]), _FIRST)
    if text in ("today", "yesterday"):
        return now.date() - timedelta(days=text == "yesterday")
    moment = _iso(text)
    if moment is None or moment.year not in _YEARS:
        raise ValidationError(
            f"{text!r} is not a time: write 2026-11-22, 2026-11-22T09:30, today, yesterday, 12h, 7d or 2w.",
            field="moment",
            value=text,
        )
    return moment


def stamp(moment: Moment, hour: time) -> str:
    """Return the moment as the log writes it, so that texts compare as times do.

    Args:
        moment: the day or time.
        hour: the time to take for a day.

    Raises:
        ValidationError: the text names no moment, or UTC does not have it.
    """
    if isinstance(moment, str):
        moment = parse_moment(moment)
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, hour)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValidationError(
            f"{moment.isoformat()} is out of range: in UTC it lies outside of the years 1 to 9999",
            field="moment",
            value=moment,
        ) from error
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _iso(text: str) -> date | datetime | None:
    try:
        if len(text) <= len("2026-11-22"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
