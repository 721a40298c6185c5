"""``llmring cache`` and ``llmring registry``: the registry's documents on this machine."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from llmring import open_registry
from llmring.registry import PROVIDERS
from llmring_types.exceptions import RegistryConnectionError, RegistryError

from llmring_cli._models import RegistryUrl, require_provider
from llmring_cli._output import FAILED, UNREACHABLE, CommandError, count_text, print_json, print_table, report
from llmring_cli._parameters import Flag, Json, ProviderName
from llmring_cli._waiting import waiting


def info(*, json: Json = False) -> None:
    """List the cached registry documents.

    Each with its address, the time of the last check and its size.

    $ llmring cache info
    """
    cache = open_registry().cache
    rows: list[dict[str, Any]] = [
        {
            "url": copy.url,
            "path": str(path),
            "fetched_at": _time(copy.fetched_at),
            "checked_at": _time(copy.checked_at),
            "bytes": len(bytes(copy.document)),
        }
        for path, copy in cache.copies()
    ]
    folder = None if cache.folder is None else str(cache.folder)
    if json:
        print_json({"folder": folder, "documents": rows})
        return
    report(f"{folder}: {count_text(len(rows), 'document') if rows else 'empty'}")
    print_table(
        ("document", "checked", "bytes"),
        [(row["url"], row["checked_at"], f"{row['bytes']:,}") for row in rows],
    )


def clear(*, json: Json = False) -> None:
    """Delete the cached registry documents.

    Commands then use the facts that ship with llmring.

    $ llmring cache clear
    """
    cache = open_registry().cache
    try:
        deleted = cache.clear()
    except OSError as error:
        raise CommandError(f"cannot clear {cache.folder}: {error.strerror or error}") from error
    if json:
        print_json({"folder": None if cache.folder is None else str(cache.folder), "deleted": deleted})
    else:
        report(f"deleted {count_text(deleted, 'document')}")


async def refresh(
    *providers: ProviderName, registry: RegistryUrl = None, allow_older: Flag = False, json: Json = False
) -> int:
    """Fetch the current facts about models from the registry.

    All commands and applications of this user then use them. Exit code 3 if the registry cannot be reached, 1 if
    it is older than what is known; the earlier facts stay in use.

    $ llmring registry refresh
    $ llmring registry refresh anthropic

    Args:
        providers: Only these.
        allow_older: Accept facts that are older than those known.
    """
    names = [require_provider(name) for name in providers] or list(PROVIDERS)
    from llmring_cli._models import refresh as refresh_registry  # noqa: PLC0415 - it brings the transports

    known = open_registry(registry)
    with waiting("asking the registry"):
        outcomes = await refresh_registry(known, names, force=True, allow_older=allow_older)
    rows: list[dict[str, Any]] = []
    for name, error in outcomes.items():
        info = known.source_info(name)
        publication = known.publication(name)
        rows.append(
            {
                "provider": name,
                "version": info.version,
                "updated_at": info.updated_at,
                "models": 0 if publication is None else len(publication.models),
                "skipped": [] if publication is None else list(publication.skipped),
                "error": None if error is None else str(error),
            }
        )
    if json:
        print_json(rows)
    else:
        _show(rows)
    return _exit_code(outcomes.values())


def _show(rows: Sequence[dict[str, Any]]) -> None:
    table = [
        (row["provider"], str(row["version"]), row["updated_at"] or "?", str(row["models"]))
        for row in rows
        if row["error"] is None
    ]
    print_table(("provider", "version", "published", "models"), table)
    for row in rows:
        for skipped in row["skipped"]:
            report(f"warning: {skipped}")
        if row["error"] is not None:
            report(f"error: {row['error']}")


def _exit_code(outcomes: Iterable[RegistryError | None]) -> int:
    errors = [error for error in outcomes if error is not None]
    if not errors:
        return 0
    return UNREACHABLE if any(isinstance(error, RegistryConnectionError) for error in errors) else FAILED


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
