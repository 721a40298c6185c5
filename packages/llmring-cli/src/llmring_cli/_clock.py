"""What day it is."""

from datetime import UTC, date, datetime


def today() -> date:
    """Return the date in UTC, in which registries date what they say."""
    return datetime.now(UTC).date()
