"""The requests of a trial: those that a project's cassettes have recorded, or the prompts of a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from llmring import LLMRequest, LLMRingError, ModelRef
from llmring.bulk import RequestTemplate
from llmring.testing import recorded_requests
from llmring_lockfile import read_files
from llmring_types.exceptions import CassetteError, ValidationError

from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli._tables import FORMS, Values, read_rows
from llmring_cli.chat.message import read_file

_FOLDER = "cassettes"
_LARGEST = 64 * 2**20
_FIELDS = frozenset(
    {
        "max_tokens",
        "reasoning_effort",
        "response_format",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)
"""Columns that are fields of the request; a prompt takes its places from all of them."""


class TrialRow(msgspec.Struct, frozen=True):
    """A request to try, without its model; or the error of one that cannot be read."""

    key: str
    request: LLMRequest | LLMRingError


def from_cassettes(paths: tuple[Path, ...], model: ModelRef) -> Iterator[TrialRow]:
    """Yield the recorded requests to a model, each once.

    Args:
        paths: cassettes, or folders with cassettes in folders of that name, as the pytest plugin writes them.
        model: the present member.

    Raises:
        CommandError: a cassette cannot be read.
    """
    seen: set[bytes] = set()
    for path in _find(paths):
        try:
            recorded = recorded_requests(path)
        except CassetteError as error:
            raise CommandError(str(error)) from error
        for number, one in enumerate(recorded, 1):
            if isinstance(one.request, LLMRequest):
                bytes_of = msgspec.json.encode(one.request)
                if (one.provider, one.model) != (model.provider, model.model) or bytes_of in seen:
                    continue
                seen.add(bytes_of)
            elif one.provider != model.provider:
                continue
            yield TrialRow(f"{path.stem}:{number}", one.request)


def _find(paths: tuple[Path, ...]) -> Iterator[Path]:
    for root in paths or (Path(),):
        if not root.exists():
            raise CommandError(f"there is no {root}")
        yield from (path for path, _ in read_files(root, _is_wanted, largest=_LARGEST))


def _is_wanted(path: Path, folder: bool) -> bool:
    if folder:
        return not path.name.startswith(".") and path.name not in {"node_modules", "__pycache__"}
    return path.suffix == ".json" and _FOLDER in path.parts


def from_prompts(path: Path) -> Iterator[TrialRow]:
    """Yield the prompts of a file.

    Rows of a table (JSON lines, CSV, Parquet) have a column ``prompt`` or ``messages``, and may have ``system`` and
    fields of the request. Of any other file, each line is a prompt.

    Raises:
        CommandError: the file cannot be read.
    """
    if path.suffix.lower() not in FORMS:
        yield from _of_lines(path)
        return
    for number, values, error in read_rows(path):
        try:
            yield TrialRow(str(number), error or _request(values))
        except (ValidationError, TypeError) as problem:
            yield TrialRow(str(number), ValidationError(f"row {number}: {problem}", field="row"))


def _of_lines(path: Path) -> Iterator[TrialRow]:
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError as error:
        raise CommandError(f"cannot read {path}: it is not UTF-8", exit_code=WRONG_USAGE) from error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield TrialRow(str(number), RequestTemplate("{prompt}").request({"prompt": line}))


def _request(values: Values) -> LLMRequest:
    fields: dict[str, Any] = {name: values[name] for name in _FIELDS if values.get(name) not in (None, "")}
    system = "{system}" if values.get("system") else None
    prompt = "{prompt}" if values.get("prompt") else None
    return RequestTemplate(prompt, system=system, **fields).request(values)
