"""What time it is."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Return the date in UTC, in which registries date what they say."""
    return now().date()
