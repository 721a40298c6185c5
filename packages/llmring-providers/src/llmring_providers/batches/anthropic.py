"""Anthropic's message batches: requests in one body, results as lines.

https://platform.claude.com/docs/en/build-with-claude/batch-processing,
https://platform.claude.com/docs/en/api/messages/batches
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from llmring_providers._protocol import WireRequest
from llmring_providers.anthropic.request import PATH
from llmring_providers.batches._reading import decoded, is_given, malformed, one_line
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
from llmring_providers.transport import HttpRequest

_PATH = f"{PATH}/batches"
_STATES: Mapping[str, BatchState] = {"canceling": "cancelling", "ended": "completed"}
_ENDINGS: Mapping[str, ResultKind] = {"expired": "expired", "canceled": "cancelled"}
_STATUS: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that each error has alone: https://platform.claude.com/docs/en/api/errors"""


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Batch(msgspec.Struct):
    id: str
    processing_status: str
    request_counts: _Counts | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    cancel_initiated_at: datetime | None = None


class _Page(msgspec.Struct):
    data: list[_Batch]
    has_more: bool = False
    last_id: str | None = None


class _Outcome(msgspec.Struct):
    type: str
    message: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class _Result(msgspec.Struct):
    custom_id: str
    result: _Outcome


class _Kind(msgspec.Struct):
    type: str = ""


class _Said(msgspec.Struct):
    error: _Kind | None = None
    request_id: str | None = None


class AnthropicBatches:
    """``/v1/messages/batches``; requests for any models share one, as long as they need the same betas.

    A batch has no name of its own: it is found again by the keys of its results.
    """

    limits = BatchLimits(
        100_000,
        256_000_000,
        "https://platform.claude.com/docs/en/build-with-claude/batch-processing#batch-limitations",
    )
    listing = f"{_PATH}?limit=1000"
    keeps_labels = False
    takes_embeddings = False
    forgotten = frozenset({404, 410})

    def line(self, key: str, wire: WireRequest, model: str) -> BatchLine:  # noqa: ARG002 - it is in the body
        data = b"".join(
            (b'{"custom_id":', msgspec.json.encode(key), b',"params":', one_line(wire.body), b"}")
        )
        return BatchLine(BatchGroup(wire.path, "", tuple(wire.headers.items())), data)

    def upload(self, lines: Sequence[bytes], label: str) -> None:  # noqa: ARG002 - they are in the body
        return None

    def create(
        self,
        lines: Sequence[bytes],
        group: BatchGroup,
        label: str,  # noqa: ARG002 - there is no place for it
        file_id: str | None,  # noqa: ARG002 - there is none
    ) -> HttpRequest:
        body = b"".join((b'{"requests":[', b",".join(lines), b"]}"))
        return HttpRequest("POST", _PATH, dict(group.headers), body)

    def path(self, batch_id: str) -> str:
        return f"{_PATH}/{quote(batch_id, safe='')}"

    def cancel(self, batch_id: str) -> HttpRequest:
        return HttpRequest("POST", f"{self.path(batch_id)}/cancel", {})

    def decode(self, body: bytes) -> BatchStatus:
        return self._status(decoded(body, _Batch, "anthropic"))

    def page(self, body: bytes) -> BatchPage:
        page = decoded(body, _Page, "anthropic")
        more = page.has_more and page.last_id
        following = f"{self.listing}&after_id={quote(page.last_id or '', safe='')}" if more else None
        return BatchPage([self._status(each) for each in page.data], following)

    def inline_results(self, body: bytes) -> None:  # noqa: ARG002 - they have a path of their own
        return None

    def result(self, line: bytes) -> BatchResult:
        found = decoded(line, _Result, "anthropic")
        outcome = found.result
        if outcome.type == "succeeded" and is_given(outcome.message):
            return BatchResult(found.custom_id, "answered", body=bytes(outcome.message))
        if outcome.type == "errored" and is_given(outcome.error):
            body = bytes(outcome.error)
            said = decoded(body, _Said, "anthropic")
            kind = said.error.type if said.error is not None else ""
            return BatchResult(found.custom_id, "answered", _STATUS.get(kind, 500), body, said.request_id)
        if outcome.type in _ENDINGS:
            return BatchResult(found.custom_id, _ENDINGS[outcome.type])
        raise malformed(
            f"a line of results has neither an answer nor an error: {outcome.type!r:.40}", "anthropic"
        )

    def _status(self, batch: _Batch) -> BatchStatus:
        counts = batch.request_counts or _Counts()
        failed = counts.errored + counts.canceled + counts.expired
        state = _STATES.get(batch.processing_status, "running")
        if state == "completed" and batch.cancel_initiated_at is not None:
            state = "cancelled"
        # ``results_url`` says the same; a host that named another one would get the key.
        results = (f"{self.path(batch.id)}/results",) if state in ("completed", "cancelled") else ()
        return BatchStatus(
            id=batch.id,
            state=state,
            total=counts.processing + counts.succeeded + failed,
            succeeded=counts.succeeded,
            failed=failed,
            created_at=batch.created_at,
            expires_at=batch.expires_at,
            results=results,
        )
