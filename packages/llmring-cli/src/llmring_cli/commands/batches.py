"""``llmring batch submit`` and its companions: jobs for the batch APIs of providers."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring import LLMRequest, LLMRing, Message
from llmring.bulk import BatchHandle, BatchProgress, Outcome, Row
from llmring_types.exceptions import ValidationError

from llmring_cli._live import ORIGIN
from llmring_cli._output import FAILED, print_json, print_json_line, print_table, report, report_logs
from llmring_cli._parameters import Flag, Json, ModelName, ProfileName
from llmring_cli._waiting import waiting
from llmring_cli.chat.message import read_file, refuse_link_out

HandlePath = Annotated[Path, Parameter(name="HANDLE")]


def submit(
    requests: Annotated[Path, Parameter(name="REQUESTS", allow_leading_hyphen=True)],
    handle: HandlePath,
    /,
    *,
    model: Annotated[ModelName | None, Parameter(alias="-m")] = None,
    profile: ProfileName = None,
    json: Json = False,
) -> int:
    """Submit requests to the batch APIs of OpenAI, Anthropic and Gemini.

    They answer within a day, for half the price. The requests are JSON lines: {"prompt": "…"}, or {"messages": […]}
    with any other field of a request, such as "max_tokens"; "key" names a row, which its line number does otherwise.
    The handle is written to a file, with which the job is looked at and read later. Run the same command again after an
    error: nothing is submitted twice. Exit code 1 if a row could not be submitted.

    $ llmring batch submit questions.jsonl job.json --model summarizer
    $ llmring batch poll job.json
    $ llmring batch results job.json

    Args:
        requests: The file of requests; "-" reads standard input.
        handle: The file for the handle.
        model: An alias or provider:model, for rows that name none. Default: the alias "default".
    """
    with waiting("submitting"):
        submitted = asyncio.run(_submit(_rows(_lines(requests), model), handle, profile))
    if json:
        print_json(
            {
                "handle": str(handle),
                "rows": submitted.rows,
                "batches": [part.batch_id for part in submitted.parts],
                "refused": {key: kept.message for key, kept in submitted.refused.items()},
            }
        )
    else:
        report(
            f"submitted {submitted.rows - len(submitted.refused):,} rows in {len(submitted.parts):,} batches"
        )
        for key, kept in submitted.refused.items():
            report(f"error: row {key}: {kept.message}")
    return FAILED if submitted.refused else 0


def poll(handle: HandlePath, /, *, json: Json = False) -> None:
    """Show how far a batch job has come.

    $ llmring batch poll job.json

    Args:
        handle: The file that llmring batch submit wrote.
    """
    _show(_read(handle), asyncio.run(_ask(_read(handle), cancelled=False)), json=json)


def cancel(handle: HandlePath, /, *, json: Json = False) -> None:
    """Ask providers to end a batch job.

    What they have processed by then is among the results, and billed.

    $ llmring batch cancel job.json

    Args:
        handle: The file that llmring batch submit wrote.
    """
    _show(_read(handle), asyncio.run(_ask(_read(handle), cancelled=True)), json=json)


def results(handle: HandlePath, /, *, wait: Annotated[Flag, Parameter(alias="-w")] = False) -> int:
    """Print the answers of a batch job as JSON lines.

    Each line has the "key" of a row, and its "content", "model", "usage" and "cost", or its "error". Exit code 1 if the
    job has not ended, or a row has no answer.

    $ llmring batch results job.json
    $ llmring batch results job.json --wait

    Args:
        handle: The file that llmring batch submit wrote.
        wait: Wait for batches that have not ended.
    """
    return asyncio.run(_print_results(_read(handle), wait=wait))


def _lines(path: Path) -> Iterator[bytes]:
    if str(path) == "-":
        yield from sys.stdin.buffer
        return
    refuse_link_out(path)
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise ValidationError(f"cannot read {path}: {error.strerror}", field="requests") from error


def _rows(lines: Iterable[bytes], model: str | None) -> Iterator[Row]:
    """Yield the rows of a file; a line that cannot be read is one too, with its error."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            key, request = _request(line, model)
        except (msgspec.MsgspecError, ValidationError, TypeError) as error:
            yield Row(
                key=f"line {number}", request=ValidationError(f"line {number}: {error}", original=error)
            )
            continue
        yield Row(key=key or f"line {number}", request=request)


def _request(line: bytes, model: str | None) -> tuple[str | None, LLMRequest]:
    fields = msgspec.json.decode(line, type=dict[str, Any])
    key, prompt = fields.pop("key", None), fields.pop("prompt", None)
    if prompt is not None:
        fields["messages"] = [Message(role="user", content=prompt)]
    if model is not None:
        fields.setdefault("model", model)
    return None if key is None else str(key), msgspec.convert(fields, LLMRequest)


def _read(path: Path) -> BatchHandle:
    return BatchHandle.from_json(read_file(path))


async def _submit(rows: Iterator[Row], handle: Path, profile: str | None) -> BatchHandle:
    report_logs()
    async with LLMRing(ORIGIN) as ring:
        return await ring.submit_batch(rows, path=handle, profile=profile)


async def _ask(handle: BatchHandle, *, cancelled: bool) -> BatchProgress:
    report_logs()
    async with LLMRing(ORIGIN) as ring:
        return await (ring.cancel_batch(handle) if cancelled else ring.batch_status(handle))


def _show(handle: BatchHandle, progress: BatchProgress, *, json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "batch": part.batch_id,
            "model": f"{part.provider}:{part.model}",
            "rows": len(part.rows),
            "state": "unknown" if status is None else status.state,
            "succeeded": None if status is None else status.succeeded,
            "failed": None if status is None else status.failed,
            "problems": [] if status is None else list(status.problems),
        }
        for part, status in zip(handle.parts, progress.parts, strict=True)
    ]
    if json:
        print_json({"has_ended": progress.has_ended, "rows": progress.rows, "batches": rows})
        return
    names = ("batch", "model", "rows", "state", "succeeded", "failed")
    print_table(names, [["" if row[name] is None else str(row[name]) for name in names] for row in rows])
    for row in rows:
        for problem in row["problems"]:
            report(f"error: {row['batch']}: {problem}")


async def _print_results(handle: BatchHandle, *, wait: bool) -> int:
    report_logs()
    complete = True
    async with LLMRing(ORIGIN) as ring:
        if not wait and not (await ring.batch_status(handle)).has_ended:
            report("the job has not ended; llmring batch poll shows its state, --wait waits for it")
            return FAILED
        async for outcome in ring.batch_results(handle):
            complete = complete and outcome.error is None
            print_json_line(_line(outcome))
    return 0 if complete else FAILED


def _line(outcome: Outcome) -> dict[str, Any]:
    if outcome.response is None:
        error = outcome.error
        return {"key": outcome.key, "error": {"type": type(error).__name__, "message": str(error)}}
    response = outcome.response
    return {
        "key": outcome.key,
        "content": response.content,
        "model": response.model,
        "finish_reason": response.finish_reason,
        "usage": response.usage,
        "cost": outcome.cost,
    }
