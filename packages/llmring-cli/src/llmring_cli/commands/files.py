"""``llmring files``: what providers keep of files that were uploaded."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

from cyclopts import Parameter
from llmring import LLMRing
from llmring_lockfile import Lockfile
from llmring_providers.files import KeepsFiles, StoredFile, file_codec
from llmring_types.exceptions import LLMRingError, ModelCapabilityError

from llmring_cli._models import ready_providers, require_provider
from llmring_cli._output import (
    FAILED,
    WRONG_USAGE,
    CommandError,
    print_json,
    print_table,
    report,
    report_logs,
)
from llmring_cli._parameters import Json, ProviderName
from llmring_cli._waiting import waiting


def list_files(*providers: ProviderName, json: Json = False) -> int:
    """List the files that providers keep for your keys.

    A file that a program registers is uploaded to each provider that it asks, and stays there until the program
    deregisters it, the provider forgets it (Gemini after 48 hours), or you remove it. Files from elsewhere are
    listed as well. Exit code 1 if a provider cannot be asked.

    $ llmring files list
    $ llmring files list openai --json

    Args:
        providers: The providers to ask. Default: all that are set up here and keep files.
    """
    names = [require_provider(name) for name in providers] or [
        name for name in ready_providers() if file_codec(name) is not None
    ]
    with waiting("asking the providers"):
        found, problems = asyncio.run(_listed(names))
    if json:
        print_json([_row(name, file) for name, file in found])
    elif found:
        print_table(
            ("file", "name", "bytes", "created", "expires"),
            [
                (
                    f"{name}:{file.id}",
                    file.name or "",
                    "" if file.size_bytes is None else f"{file.size_bytes:,}",
                    _time(file.created_at) or "",
                    _time(file.expires_at) or "",
                )
                for name, file in found
            ],
        )
    elif not problems:
        report(f"no files at {', '.join(names)}" if names else "no provider that keeps files is set up here")
    for problem in problems:
        report(f"error: {problem}")
    return FAILED if problems else 0


def remove(*files: Annotated[str, Parameter(name="FILE")], json: Json = False) -> int:
    """Delete files that providers keep.

    Nothing on this machine is deleted. Exit code 1 if a provider has no such file.

    $ llmring files rm openai:file-abc123
    $ llmring files rm google:files/x1y2z3 anthropic:file_011CNha8

    Args:
        files: The files, as PROVIDER:ID.
    """
    named = [_named(file) for file in files]
    if not named:
        raise CommandError("files rm needs a file, as llmring files list shows it", exit_code=WRONG_USAGE)
    with waiting("deleting"):
        deleted = asyncio.run(_deleted(named))
    if json:
        print_json([{"file": file, "deleted": done} for file, done in zip(files, deleted, strict=True)])
    else:
        for file, done in zip(files, deleted, strict=True):
            report(f"deleted {file}" if done else f"there is no {file}")
    return 0 if all(deleted) else FAILED


def _named(file: str) -> tuple[str, str]:
    name, colon, file_id = file.partition(":")
    if not colon or not file_id:
        raise CommandError(f"{file!r} names no file: write PROVIDER:ID", exit_code=WRONG_USAGE)
    return require_provider(name), file_id


async def _listed(names: list[str]) -> tuple[list[tuple[str, StoredFile]], list[LLMRingError]]:
    report_logs()
    found: list[tuple[str, StoredFile]] = []
    problems: list[LLMRingError] = []
    async with LLMRing(lockfile=Lockfile()) as ring:
        for name in names:
            try:
                found += [(name, file) for file in await _keeper(ring, name).list_files()]
            except LLMRingError as error:
                problems.append(error)
    return found, problems


async def _deleted(named: list[tuple[str, str]]) -> list[bool]:
    report_logs()
    async with LLMRing(lockfile=Lockfile()) as ring:
        return [await _keeper(ring, name).delete_file(file_id) for name, file_id in named]


def _keeper(ring: LLMRing, name: str) -> KeepsFiles:
    provider: object = ring.get_provider(name)
    if not isinstance(provider, KeepsFiles):
        raise ModelCapabilityError(f"{name} keeps no files", provider=name)
    return provider


def _row(name: str, file: StoredFile) -> dict[str, Any]:
    return {
        "file": f"{name}:{file.id}",
        "name": file.name,
        "media_type": file.media_type,
        "bytes": file.size_bytes,
        "created_at": _time(file.created_at),
        "expires_at": _time(file.expires_at),
        "state": file.state,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
