"""OpenAI's batches: a file of requests, a batch made of it, and one or two files of results.

https://developers.openai.com/api/docs/guides/batch, https://platform.openai.com/docs/api-reference/batch
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from llmring_providers._protocol import WireRequest
from llmring_providers.batches._reading import decoded, malformed, moment, one_line
from llmring_providers.batches.calls import (
    BatchGroup,
    BatchLimits,
    BatchLine,
    BatchPage,
    BatchResult,
    BatchState,
    BatchStatus,
    ResultKind,
)
from llmring_providers.files import FileUpload
from llmring_providers.transport import HttpRequest

_STATES: Mapping[str, BatchState] = {
    "validating": "running",
    "in_progress": "running",
    "finalizing": "running",
    "cancelling": "cancelling",
    "completed": "completed",
    "expired": "expired",
    "cancelled": "cancelled",
    "failed": "failed",
}
_ENDINGS: Mapping[str | None, ResultKind] = {"batch_expired": "expired", "batch_cancelled": "cancelled"}
"""Codes of requests that were not processed: https://developers.openai.com/api/docs/guides/batch#batch-expiration"""

_QUEUE_FULL = "token_limit_exceeded"
"""The code of a batch that is refused for the tokens in others: https://developers.openai.com/api/docs/guides/batch#rate-limits"""

_SERVER_ERROR = 500
LABEL = "llmring"
"""The key in the metadata of a batch under which its label is."""


class _Counts(msgspec.Struct):
    total: int | None = None
    completed: int | None = None
    failed: int | None = None


class _Problem(msgspec.Struct):
    code: str | None = None
    line: int | None = None
    message: str | None = None


class _Problems(msgspec.Struct):
    data: list[_Problem] | None = None


class _Batch(msgspec.Struct):
    id: str
    status: str
    metadata: dict[str, Any] | None = None
    request_counts: _Counts | None = None
    created_at: int | None = None
    expires_at: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    errors: _Problems | None = None


class _Page(msgspec.Struct):
    data: list[_Batch]
    has_more: bool = False


class _Answer(msgspec.Struct):
    status_code: int = 200
    request_id: str | None = None
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Result(msgspec.Struct):
    custom_id: str
    response: _Answer | None = None
    error: _Error | None = None


class OpenAIBatches:
    """``/batches`` with an input file; the endpoint and the model are the same for a whole batch."""

    limits = BatchLimits(
        50_000,
        200_000_000,
        "https://platform.openai.com/docs/api-reference/batch/create#batch-create-input_file_id",
    )
    listing = "/batches?limit=100"
    keeps_labels = True
    takes_embeddings = True
    forgotten = frozenset({404, 410})

    def line(self, key: str, wire: WireRequest, model: str) -> BatchLine:
        head = msgspec.json.encode({"custom_id": key, "method": "POST", "url": f"/v1{wire.path}"})
        data = b"".join((head[:-1], b',"body":', one_line(wire.body), b"}"))
        return BatchLine(BatchGroup(wire.path, model, tuple(wire.headers.items())), data)

    def upload(self, lines: Sequence[bytes], label: str) -> FileUpload:
        return FileUpload(f"{label}.jsonl", "application/jsonl", b"\n".join((*lines, b"")), purpose="batch")

    def create(
        self,
        lines: Sequence[bytes],  # noqa: ARG002 - they are in the file
        group: BatchGroup,
        label: str,
        file_id: str | None,
    ) -> HttpRequest:
        body = {
            "input_file_id": file_id,
            "endpoint": f"/v1{group.path}",
            "completion_window": "24h",
            "metadata": {LABEL: label},
        }
        return HttpRequest("POST", "/batches", dict(group.headers), msgspec.json.encode(body))

    def path(self, batch_id: str) -> str:
        return f"/batches/{quote(batch_id, safe='')}"

    def cancel(self, batch_id: str) -> HttpRequest:
        return HttpRequest("POST", f"{self.path(batch_id)}/cancel", {})

    def decode(self, body: bytes) -> BatchStatus:
        return _status(decoded(body, _Batch, "openai"))

    def page(self, body: bytes) -> BatchPage:
        page = decoded(body, _Page, "openai")
        more = page.has_more and page.data
        following = f"{self.listing}&after={quote(page.data[-1].id, safe='')}" if more else None
        return BatchPage([_status(each) for each in page.data], following)

    def inline_results(self, body: bytes) -> None:  # noqa: ARG002 - they are in files
        return None

    def result(self, line: bytes) -> BatchResult:
        found = decoded(line, _Result, "openai")
        if found.error is not None:
            kind = _ENDINGS.get(found.error.code)
            if kind is not None:
                return BatchResult(found.custom_id, kind)
            if found.response is None:
                return BatchResult(
                    found.custom_id, "answered", _SERVER_ERROR, msgspec.json.encode({"error": found.error})
                )
        if found.response is None:
            raise malformed("a line of results has neither an answer nor an error", "openai")
        answer = found.response
        return BatchResult(
            found.custom_id, "answered", answer.status_code, bytes(answer.body), answer.request_id
        )


def _status(batch: _Batch) -> BatchStatus:
    counts = batch.request_counts or _Counts()
    label = (batch.metadata or {}).get(LABEL)
    problems = (batch.errors.data if batch.errors is not None else None) or []
    files = (each for each in (batch.output_file_id, batch.error_file_id) if each)
    return BatchStatus(
        id=batch.id,
        state=_STATES.get(batch.status, "running"),
        label=label if isinstance(label, str) else None,
        total=counts.total,
        succeeded=counts.completed,
        failed=counts.failed,
        created_at=moment(batch.created_at),
        expires_at=moment(batch.expires_at),
        results=tuple(f"/files/{quote(each, safe='')}/content" for each in files),
        problems=tuple(_sentence(each) for each in problems),
        is_queue_full=any(each.code == _QUEUE_FULL for each in problems),
    )


def _sentence(problem: _Problem) -> str:
    place = "" if problem.line is None else f"line {problem.line}: "
    return place + (problem.message or problem.code or "no reason given")
