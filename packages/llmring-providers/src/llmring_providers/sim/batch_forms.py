"""The batch API of each vendor, from the host's side."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from llmring_providers.sim.batches import (
    BatchForm,
    BatchReply,
    HostedBatch,
    HostedBatches,
    HostedLine,
    HostedResult,
    UnreadableBatchError,
)
from llmring_providers.sim.files import HostedFiles, Vendor, vendor_of
from llmring_providers.transport import HttpRequest

_CREATED, _SECONDS = "2026-01-01T00:00:00Z", 1_767_225_600
_EXPIRES, _EXPIRES_SECONDS = "2026-01-02T00:00:00Z", 1_767_312_000
_MOST = {"openai": 50_000, "anthropic": 100_000}
_PATH = re.compile(
    r"(?:/download)?/(?P<version>v1|v1beta)/(?:"
    r"(?:messages/)?batches(?:/(?P<id>[^/:]+))?(?P<action>/cancel|:cancel|/results)?"
    r"|models/[^/:]+(?P<create>:batchGenerateContent)"
    r"|files/(?P<file>(?:output|errors)-[^/:]+)(?:/content|:download))"
)


def answer(batches: HostedBatches, request: HttpRequest) -> BatchReply | None:
    """Return the answer to a request about batches or their results, ``None`` for any other."""
    path = urlsplit(request.url).path
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    vendor = vendor_of(found["version"], request.headers)
    form = _FORMS[vendor]
    if found["file"]:
        kind, _, batch_id = unquote(found["file"]).partition("-")
        name, failed = (f"batches/{batch_id}", None) if vendor == "gemini" else (batch_id, kind == "errors")
        return batches.results(form, name, failed=failed)
    if found["create"] or (found["id"] is None and request.method == "POST"):
        return batches.create(form, vendor, request)
    return batches.listed(form, vendor) if found["id"] is None else _about_one(batches, found, vendor)


def _about_one(batches: HostedBatches, found: re.Match[str], vendor: Vendor) -> BatchReply:
    form, batch_id = _FORMS[vendor], unquote(found["id"])
    name = f"batches/{batch_id}" if vendor == "gemini" else batch_id
    if found["action"] == "/results":
        return batches.results(form, name)
    return batches.cancel(form, name) if found["action"] else batches.look(form, name)


def _decoded(body: bytes) -> Mapping[str, Any]:
    try:
        read = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise UnreadableBatchError(f"not JSON: {error}") from error
    if not isinstance(read, dict):
        raise UnreadableBatchError("not an object")
    return read


def _lines_of(files: HostedFiles, file_id: object) -> list[Mapping[str, Any]]:
    file = files.find(str(file_id))
    if file is None:
        raise UnreadableBatchError(f"no such file: {file_id}")
    return [_decoded(line) for line in file.data.splitlines() if line.strip()]


def _checked(lines: list[HostedLine], vendor: Vendor) -> list[HostedLine]:
    if len({line.key for line in lines}) != len(lines):
        raise UnreadableBatchError("the keys of the requests are not unique")
    if not lines or len(lines) > _MOST.get(vendor, len(lines)):
        raise UnreadableBatchError(f"a batch has 1 to {_MOST.get(vendor, 'many')} requests; got {len(lines)}")
    return lines


def _request(path: str, body: Any, headers: Mapping[str, str]) -> HttpRequest:
    return HttpRequest("POST", path, headers, msgspec.json.encode(body))


Read = tuple[dict[str, Any], str | None, list[HostedLine], bool]


class _OpenAI:
    """https://platform.openai.com/docs/api-reference/batch"""

    def read(self, body: bytes, target: str, files: HostedFiles) -> Read:  # noqa: ARG002 - one path
        asked = _decoded(body)
        endpoint = asked.get("endpoint")
        lines = []
        for each in _lines_of(files, asked.get("input_file_id")):
            if each.get("url") != endpoint or each.get("method") != "POST":
                raise UnreadableBatchError("a request is for another endpoint than the batch")
            lines.append(
                HostedLine(str(each.get("custom_id")), _request(str(endpoint), each.get("body"), {}))
            )
        details = {
            "endpoint": endpoint,
            "input_file_id": asked.get("input_file_id"),
            "completion_window": asked.get("completion_window"),
            "metadata": asked.get("metadata"),
        }
        return details, None, _checked(lines, "openai"), True

    def describe(self, batch: HostedBatch) -> dict[str, Any]:
        states = {"running": "in_progress"}
        results = batch.results or []
        answered = sum(each.status == 200 for each in results)  # noqa: PLR2004 - of HTTP
        said: dict[str, Any] = {
            "id": batch.id,
            "object": "batch",
            **batch.details,
            "status": states.get(batch.state, batch.state),
            "created_at": _SECONDS,
            "expires_at": _EXPIRES_SECONDS,
            "output_file_id": f"output-{batch.id}" if answered else None,
            "error_file_id": f"errors-{batch.id}" if answered < len(results) else None,
            "request_counts": {
                "total": len(batch.lines),
                "completed": answered,
                "failed": len(results) - answered,
            },
        }
        if batch.state == "failed":
            problem: dict[str, Any] = {
                "code": "token_limit_exceeded",
                "message": "Enqueued token limit reached",
            }
            if batch.rule.refusal is not None:
                problem = {"code": "invalid_request", "line": 1, "message": batch.rule.refusal}
            said["errors"] = {"object": "list", "data": [problem]}
        return said

    def page(self, batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"object": "list", "data": batches, "has_more": False}

    def result(self, batch: HostedBatch, result: HostedResult) -> bytes:  # noqa: ARG002 - the key says all
        said: dict[str, Any] = {"id": f"batch_req_{result.key}", "custom_id": result.key}
        if result.status:
            body = msgspec.Raw(result.body)
            said["response"] = {"status_code": result.status, "request_id": f"req_{result.key}", "body": body}
            said["error"] = None
        else:
            message = "This request could not be executed before the completion window expired."
            said["response"] = None
            said["error"] = {"code": f"batch_{result.ending}", "message": message}
        return msgspec.json.encode(said)

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - of HTTP
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}


class _Anthropic:
    """https://platform.claude.com/docs/en/api/messages/batches"""

    def read(self, body: bytes, target: str, files: HostedFiles) -> Read:  # noqa: ARG002 - one path, no files
        headers = {"anthropic-version": "2023-06-01"}
        lines = [
            HostedLine(str(each.get("custom_id")), _request("/v1/messages", each.get("params"), headers))
            for each in _decoded(body).get("requests", ())
        ]
        for line in lines:
            if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", line.key) is None:
                raise UnreadableBatchError(f"custom_id: {line.key!r} does not match ^[a-zA-Z0-9_-]{{1,64}}$")
        return {}, None, _checked(lines, "anthropic"), False

    def describe(self, batch: HostedBatch) -> dict[str, Any]:
        state = {"running": "in_progress", "cancelling": "canceling"}.get(batch.state, "ended")
        results = batch.results or []
        counts = {
            "processing": 0 if batch.has_ended else len(batch.lines),
            "succeeded": sum(each.status == 200 for each in results),  # noqa: PLR2004 - of HTTP
            "errored": sum(each.status >= 400 for each in results),  # noqa: PLR2004 - of HTTP
            "canceled": sum(each.ending == "cancelled" for each in results),
            "expired": sum(each.ending == "expired" for each in results),
        }
        path = f"/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": state,
            "request_counts": counts,
            "created_at": _CREATED,
            "expires_at": _EXPIRES,
            "ended_at": _CREATED if batch.has_ended else None,
            "cancel_initiated_at": _CREATED if batch.is_cancelled else None,
            "archived_at": None,
            "results_url": batch.origin + path if batch.has_ended else None,
        }

    def page(self, batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        ids = [each["id"] for each in batches] or [None]
        return {"data": batches, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}

    def result(self, batch: HostedBatch, result: HostedResult) -> bytes:  # noqa: ARG002 - the key says all
        said: dict[str, Any] = {"type": {"cancelled": "canceled"}.get(result.ending, result.ending)}
        if result.status:
            succeeded = result.status < 400  # noqa: PLR2004 - of HTTP
            said = {"type": "succeeded" if succeeded else "errored"}
            said["message" if succeeded else "error"] = msgspec.Raw(result.body)
        return msgspec.json.encode({"custom_id": result.key, "result": said})

    def error(self, status: int, message: str) -> dict[str, Any]:
        kind = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error"}.get(
            status, "api_error"
        )
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}


class _Gemini:
    """https://ai.google.dev/api/batch-api"""

    def read(self, body: bytes, target: str, files: HostedFiles) -> Read:
        asked = _decoded(body).get("batch", {})
        source = asked.get("inputConfig") or asked.get("input_config") or {}
        file = source.get("fileName") or source.get("file_name")
        if file is not None:
            found = [(str(each.get("key")), each.get("request")) for each in _lines_of(files, file)]
        else:
            inline = source.get("requests", {}).get("requests", ())
            found = [
                (str((each.get("metadata") or {}).get("key", place)), each.get("request"))
                for place, each in enumerate(inline)
            ]
        model = target.rpartition(":")[0]
        headers = {"x-goog-api-key": "simulated"}
        lines = [
            HostedLine(key, _request(f"{model}:generateContent", request, headers)) for key, request in found
        ]
        label = asked.get("displayName") or asked.get("display_name")
        details = {"model": model.partition("/models/")[2]}
        return details, label, _checked(lines, "gemini"), file is not None

    def describe(self, batch: HostedBatch) -> dict[str, Any]:
        state = {"completed": "SUCCEEDED"}.get(batch.state, batch.state.upper()).replace(
            "CANCELLING", "RUNNING"
        )
        results = batch.results or []
        answered = sum(each.status == 200 for each in results)  # noqa: PLR2004 - of HTTP
        metadata: dict[str, Any] = {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
            "name": batch.id,
            "model": f"models/{batch.details['model']}",
            "displayName": batch.label,
            "state": f"BATCH_STATE_{state}",
            "createTime": _CREATED,
            "updateTime": _CREATED,
            "batchStats": {
                "requestCount": str(len(batch.lines)),
                "successfulRequestCount": str(answered),
                "failedRequestCount": str(len(results) - answered),
            },
        }
        said: dict[str, Any] = {"name": batch.id, "metadata": metadata}
        if batch.rule.refusal is not None:
            return {**said, "done": True, "error": {"code": 3, "message": batch.rule.refusal}}
        if not batch.has_ended:
            return said
        output: dict[str, Any] = {"responsesFile": f"files/output-{batch.id.removeprefix('batches/')}"}
        if not batch.by_file:
            inlined = [msgspec.Raw(self.result(batch, each)) for each in results]
            output = {"inlinedResponses": {"inlinedResponses": inlined}}
        metadata["output"] = output
        return {**said, "done": True, "response": output}

    def page(self, batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"operations": batches}

    def result(self, batch: HostedBatch, result: HostedResult) -> bytes:
        said: dict[str, Any] = {"key": result.key} if batch.by_file else {"metadata": {"key": result.key}}
        if not result.status:
            said["error"] = {"code": 4, "message": "The request was not processed in time."}
        elif result.status >= 400:  # noqa: PLR2004 - of HTTP
            error = msgspec.json.decode(result.body).get("error", {})
            said["error"] = {"code": _CODES.get(result.status, 13), "message": error.get("message", "")}
        else:
            said["response"] = msgspec.Raw(result.body)
        return msgspec.json.encode(said)

    def error(self, status: int, message: str) -> dict[str, Any]:
        word = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}.get(
            status, "UNAVAILABLE"
        )
        return {"error": {"code": status, "message": message, "status": word}}


_CODES = {499: 1, 400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 503: 14, 504: 4}
_FORMS: Mapping[Vendor, BatchForm] = {"openai": _OpenAI(), "anthropic": _Anthropic(), "gemini": _Gemini()}
