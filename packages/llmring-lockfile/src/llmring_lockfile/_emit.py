""":class:`Lockfile` to text, where there is no text yet whose form could be kept."""

from datetime import date
from typing import Any

from llmring_lockfile._model import Lockfile
from llmring_lockfile._plain import plain_lockfile
from llmring_lockfile._render import render_document


def emit(lockfile: Lockfile, *, as_json: bool = False) -> str:
    """The canonical text: ``parse(emit(lockfile)) == lockfile``, apart from where it came from.

    To change a file that exists use :func:`editing`, which keeps its comments, order and unknown keys.
    """
    data = plain_lockfile(lockfile)
    return emit_json(data) if as_json else render_document(data)


def emit_json(data: dict[str, Any], *, indent: int = 2, ascii_only: bool = False) -> str:
    """JSON of the same shape; dates become ISO 8601 text."""
    import json  # noqa: PLC0415 - few lockfiles are JSON

    return json.dumps(data, indent=indent, ensure_ascii=ascii_only, default=_iso) + "\n"


def digest(lockfile: Lockfile) -> str:
    """``sha256:`` and the hash of what the lockfile means.

    Timestamps, comments, the order of bindings and profiles and the place of the file do not count; everything
    that can change an answer or a finding does.
    """
    import hashlib  # noqa: PLC0415 - slow to import, and no edit needs it
    import json  # noqa: PLC0415

    data = plain_lockfile(lockfile)
    data.pop("created_at", None)
    data.pop("updated_at", None)
    for profile in data.get("profiles", {}).values():
        profile["bindings"] = sorted(profile.get("bindings", ()), key=lambda row: str(row["alias"]))
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=_iso)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _iso(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
