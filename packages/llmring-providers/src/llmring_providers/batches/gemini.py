"""Gemini's batches: small ones whole in one request and one answer, others by file.

https://ai.google.dev/gemini-api/docs/batch-api, https://ai.google.dev/api/batch-api
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from llmring_types.exceptions import MalformedResponseError

from llmring_providers._protocol import WireRequest
from llmring_providers.batches._reading import decoded, is_given, malformed, one_line
from llmring_providers.batches.calls import (
    BatchGroup,
    BatchLimits,
    BatchLine,
    BatchPage,
    BatchResult,
    BatchState,
    BatchStatus,
)
from llmring_providers.files import FileUpload
from llmring_providers.transport import HttpRequest

_STATES: Mapping[str, BatchState] = {
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
}
"""States by their words after ``BATCH_STATE_`` or, in older answers, ``JOB_STATE_``."""

_STATUS = {
    2: 500,
    3: 400,
    4: 504,
    5: 404,
    7: 403,
    8: 429,
    9: 400,
    11: 400,
    13: 500,
    14: 503,
    16: 401,
}
"""The HTTP status of each ``google.rpc.Code``.

https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
"""
_CANCELLED = 1
_LEAST_STATUS, _LAST_STATUS = 400, 599
_MOST_INLINE, _LARGEST_INLINE = 100, 2**20
"""A batch up to this goes inline. The vendor takes 20 MB, and then answers all of it with each look at the batch."""


class _Error(msgspec.Struct):
    code: int = 2
    message: str = ""
    status: str | None = None


class _Stats(msgspec.Struct, rename="camel"):
    request_count: int | None = None
    successful_request_count: int | None = None
    failed_request_count: int | None = None


class _Output(msgspec.Struct, rename="camel"):
    responses_file: str | None = None


class _Metadata(msgspec.Struct, rename="camel"):
    state: str = ""
    display_name: str | None = None
    create_time: datetime | None = None
    batch_stats: _Stats | None = None
    output: _Output | None = None


class _Operation(msgspec.Struct):
    name: str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    done: bool = False
    error: _Error | None = None
    response: _Output | None = None


class _Page(msgspec.Struct, rename="camel"):
    operations: list[_Operation] = []
    next_page_token: str | None = None


class _Key(msgspec.Struct):
    key: str = ""


class _Result(msgspec.Struct):
    key: str = ""
    metadata: _Key | None = None
    response: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class _Inlined(msgspec.Struct, rename="camel"):
    inlined_responses: list[_Result]


class _InlinedOutput(msgspec.Struct, rename="camel"):
    inlined_responses: _Inlined | None = None


class _InlinedMetadata(msgspec.Struct):
    output: _InlinedOutput | None = None


class _InlinedOperation(msgspec.Struct):
    response: _InlinedOutput | None = None
    metadata: _InlinedMetadata | None = None


class GeminiBatches:
    """``batchGenerateContent``; a batch has one model."""

    limits = BatchLimits(
        100_000, 2_000_000_000, "https://ai.google.dev/gemini-api/docs/batch-api#input-file"
    )  # the vendor has no limit on the number, but one on the tokens that wait, by account
    listing = "/batches?pageSize=100"
    keeps_labels = True
    takes_embeddings = False  # asyncBatchEmbedContent is experimental: https://ai.google.dev/api/batch-api
    forgotten = frozenset({403, 404, 410})  # "you do not have permission to access it or it may not exist"

    def line(self, key: str, wire: WireRequest, model: str) -> BatchLine:
        head = msgspec.json.encode({"key": key})
        data = b"".join((head[:-1], b',"request":', one_line(wire.body), b"}"))
        return BatchLine(BatchGroup(wire.path, model, tuple(wire.headers.items())), data)

    def upload(self, lines: Sequence[bytes], label: str) -> FileUpload | None:
        if len(lines) <= _MOST_INLINE and sum(map(len, lines)) <= _LARGEST_INLINE:
            return None
        return FileUpload(f"{label}.jsonl", "application/jsonl", b"\n".join((*lines, b"")))

    def create(
        self, lines: Sequence[bytes], group: BatchGroup, label: str, file_id: str | None
    ) -> HttpRequest:
        source: dict[str, Any] = {"fileName": file_id}
        if file_id is None:
            source = {"requests": {"requests": [_inlined(line) for line in lines]}}
        body = msgspec.json.encode({"batch": {"displayName": label, "inputConfig": source}})
        path = f"{group.path.rpartition(':')[0]}:batchGenerateContent"
        return HttpRequest("POST", path, dict(group.headers), body)

    def path(self, batch_id: str) -> str:
        return f"/batches/{quote(batch_id.removeprefix('batches/'), safe='')}"

    def cancel(self, batch_id: str) -> HttpRequest:
        return HttpRequest("POST", f"{self.path(batch_id)}:cancel", {}, b"{}")

    def decode(self, body: bytes) -> BatchStatus:
        return _status(decoded(body, _Operation, "google"))

    def page(self, body: bytes) -> BatchPage:
        page = decoded(body, _Page, "google")
        token = page.next_page_token
        following = f"{self.listing}&pageToken={quote(token, safe='')}" if token else None
        return BatchPage([_status(each) for each in page.operations], following)

    def inline_results(self, body: bytes) -> Sequence[BatchResult] | None:
        found = decoded(body, _InlinedOperation, "google")
        output = found.response or (found.metadata and found.metadata.output)
        if not output or output.inlined_responses is None:
            return None
        return [_readable(each) for each in output.inlined_responses.inlined_responses]

    def result(self, line: bytes) -> BatchResult:
        return _result(decoded(line, _Result, "google"))


class _Line(msgspec.Struct):
    key: str
    request: msgspec.Raw


def _inlined(line: bytes) -> dict[str, Any]:
    read = msgspec.json.decode(line, type=_Line)
    return {"request": read.request, "metadata": {"key": read.key}}


def _readable(found: _Result) -> BatchResult:
    try:
        return _result(found)
    except MalformedResponseError:
        return BatchResult("", "unreadable")


def _result(found: _Result) -> BatchResult:
    key = found.key or (found.metadata.key if found.metadata is not None else "")
    if is_given(found.response):
        return BatchResult(key, "answered", body=bytes(found.response))
    if found.error is None:
        raise malformed("a result has neither a response nor an error", "google")
    code = found.error.code
    if code == _CANCELLED:
        return BatchResult(key, "cancelled")
    status = code if _LEAST_STATUS <= code <= _LAST_STATUS else _STATUS.get(code, 500)
    return BatchResult(key, "answered", status, msgspec.json.encode({"error": found.error}))


def _status(operation: _Operation) -> BatchStatus:
    metadata = operation.metadata
    state = _STATES.get(metadata.state.partition("_STATE_")[2], "running")
    if operation.error is not None and state in ("running", "completed"):
        state = "cancelled" if operation.error.code == _CANCELLED else "failed"
    stats = metadata.batch_stats or _Stats()
    output = operation.response or metadata.output
    file = output.responses_file if output is not None else None
    results: tuple[str, ...] = ()
    if state not in ("running", "failed"):
        path = f"/batches/{quote(operation.name.removeprefix('batches/'), safe='')}"
        if file:  # as Google's SDK reads it
            path = f"/files/{quote(file.removeprefix('files/'), safe='')}:download?alt=media"
        results = (path,)
    return BatchStatus(
        id=operation.name,
        state=state,
        label=metadata.display_name,
        total=stats.request_count,
        succeeded=stats.successful_request_count,
        failed=stats.failed_request_count,
        created_at=metadata.create_time,
        results=results,
        problems=(operation.error.message,) if operation.error is not None else (),
    )
