"""What is different between two lockfiles, for people and for programs."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from llmring_lockfile import Change

from llmring_cli._output import print_line


def print_changes(changes: Iterable[Change]) -> None:
    """Print one line for each."""
    for change in changes:
        print_line(change)


def changes_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return the changes for programs: prices are numbers, dates ISO 8601."""
    return [
        {
            "what": change.what,
            "before": _value(change.before),
            "after": _value(change.after),
            "profile": change.profile,
            "alias": change.alias,
            "model": change.model,
        }
        for change in changes
    ]


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
