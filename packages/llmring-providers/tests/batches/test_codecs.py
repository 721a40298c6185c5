"""Each vendor's form of batches."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from llmring_providers._protocol import WireRequest
from llmring_providers.batches import BatchCodec, BatchResult, BatchStatus, batch_codec
from llmring_types.exceptions import MalformedResponseError

VENDORS = ("openai", "anthropic", "google")
WIRE = WireRequest(path="/models/m:generateContent", body=b'{\n  "a": "line\\nbreak"\n}')


def codec_of(vendor: str) -> BatchCodec:
    found = batch_codec(vendor)
    assert found is not None
    return found


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


def google(state: str, **more: object) -> dict[str, Any]:
    return {"name": "batches/1", "metadata": {"state": state, "displayName": "lr"}, **more}


def openai(status: str, **more: object) -> dict[str, Any]:
    return {"id": "batch_1", "object": "batch", "status": status, "metadata": {"llmring": "lr"}, **more}


def anthropic(status: str, **more: object) -> dict[str, Any]:
    return {"id": "msgbatch_1", "processing_status": status, **more}


STATES = [
    ("openai", openai("validating"), "running"),
    ("openai", openai("in_progress"), "running"),
    ("openai", openai("finalizing"), "running"),
    ("openai", openai("cancelling"), "cancelling"),
    ("openai", openai("completed"), "completed"),
    ("openai", openai("expired"), "expired"),
    ("openai", openai("cancelled"), "cancelled"),
    ("openai", openai("failed"), "failed"),
    ("openai", openai("a word of tomorrow"), "running"),
    ("anthropic", anthropic("in_progress"), "running"),
    ("anthropic", anthropic("canceling"), "cancelling"),
    ("anthropic", anthropic("ended"), "completed"),
    ("anthropic", anthropic("ended", cancel_initiated_at="2026-11-29T12:00:00Z"), "cancelled"),
    ("google", google("BATCH_STATE_PENDING"), "running"),
    ("google", google("BATCH_STATE_RUNNING"), "running"),
    ("google", google("BATCH_STATE_SUCCEEDED", done=True), "completed"),
    ("google", google("JOB_STATE_SUCCEEDED", done=True), "completed"),
    ("google", google("BATCH_STATE_FAILED", done=True), "failed"),
    ("google", google("BATCH_STATE_CANCELLED", done=True), "cancelled"),
    ("google", google("BATCH_STATE_EXPIRED", done=True), "expired"),
    ("google", google("BATCH_STATE_RUNNING", done=True, error={"code": 13, "message": "no"}), "failed"),
    ("google", google("BATCH_STATE_RUNNING", done=True, error={"code": 1, "message": "no"}), "cancelled"),
]


@pytest.mark.parametrize(("vendor", "document", "state"), STATES)
def test_every_state_of_a_vendor_is_one_of_ours(vendor: str, document: object, state: str) -> None:
    found = codec_of(vendor).decode(encoded(document))
    assert found.state == state
    assert found.has_ended is (state not in ("running", "cancelling"))


PLACES = [
    (
        "openai",
        openai("completed", output_file_id="file-1", error_file_id="file-2"),
        ("/files/file-1/content", "/files/file-2/content"),
    ),
    ("openai", openai("completed", output_file_id="../../elsewhere?x=", error_file_id=None), None),
    ("openai", openai("in_progress"), ()),
    (
        "anthropic",
        anthropic("ended", results_url="https://elsewhere.test/v1/results"),
        ("/v1/messages/batches/msgbatch_1/results",),
    ),
    (
        "google",
        google("BATCH_STATE_SUCCEEDED", response={"responsesFile": "files/abc"}),
        ("/files/abc:download?alt=media",),
    ),
    (
        "google",
        google("BATCH_STATE_SUCCEEDED", response={"responsesFile": "files/../../a?b=c#"}),
        ("/files/..%2F..%2Fa%3Fb%3Dc%23:download?alt=media",),
    ),
    ("google", google("BATCH_STATE_SUCCEEDED"), ("/batches/1",)),
]


@pytest.mark.parametrize(("vendor", "document", "places"), PLACES)
def test_results_are_read_below_the_base_url_alone(
    vendor: str, document: object, places: tuple[str, ...] | None
) -> None:
    found = codec_of(vendor).decode(encoded(document))
    assert found.results == (places if places is not None else ("/files/..%2F..%2Felsewhere%3Fx%3D/content",))


def test_a_refused_batch_says_why() -> None:
    problems = {"data": [{"line": 3, "code": "invalid", "message": "no such model"}, {"code": "invalid"}]}
    found = codec_of("openai").decode(encoded(openai("failed", errors=problems)))
    assert found.problems == ("line 3: no such model", "invalid")


@pytest.mark.parametrize("vendor", ["openai", "google"])
def test_a_batch_has_the_label_that_it_was_submitted_with(vendor: str) -> None:
    document = openai("completed") if vendor == "openai" else google("BATCH_STATE_RUNNING")
    assert codec_of(vendor).decode(encoded(document)).label == "lr"


def error_of(vendor: str, code: object) -> bytes:
    if vendor == "openai":
        return encoded({"custom_id": "k", "response": None, "error": {"code": code, "message": "m"}})
    if vendor == "anthropic":
        error = {"type": "error", "error": {"type": code, "message": "m"}, "request_id": "r"}
        return encoded({"custom_id": "k", "result": {"type": "errored", "error": error}})
    return encoded({"key": "k", "error": {"code": code, "message": "m"}})


ERRORS = [
    ("openai", "batch_expired", "expired", 200),
    ("openai", "batch_cancelled", "cancelled", 200),
    ("openai", "server_error", "answered", 500),
    ("anthropic", "invalid_request_error", "answered", 400),
    ("anthropic", "overloaded_error", "answered", 529),
    ("anthropic", "a word of tomorrow", "answered", 500),
    ("google", 1, "cancelled", 200),
    ("google", 3, "answered", 400),
    ("google", 8, "answered", 429),
    ("google", 14, "answered", 503),
    ("google", 429, "answered", 429),
    ("google", 77, "answered", 500),
]


@pytest.mark.parametrize(("vendor", "code", "kind", "status"), ERRORS)
def test_an_error_has_the_status_that_it_would_have_had_alone(
    vendor: str, code: object, kind: str, status: int
) -> None:
    found = codec_of(vendor).result(error_of(vendor, code))
    assert (found.key, found.kind, found.status) == ("k", kind, status)
    assert (b'"m"' in found.body) is (kind == "answered")


def test_a_status_of_an_answer_in_an_error_file_is_its_own() -> None:
    line = {"custom_id": "k", "response": {"status_code": 429, "request_id": "r", "body": {"error": {}}}}
    assert codec_of("openai").result(encoded(line)) == BatchResult(
        "k", "answered", 429, b'{"error": {}}', "r"
    )


@pytest.mark.parametrize("ending", ["expired", "canceled"])
def test_anthropic_says_what_was_not_processed(ending: str) -> None:
    found = codec_of("anthropic").result(encoded({"custom_id": "k", "result": {"type": ending}}))
    assert found.kind == {"expired": "expired", "canceled": "cancelled"}[ending]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_request_is_one_line_with_its_body_as_it_is_sent_alone(vendor: str) -> None:
    line = codec_of(vendor).line("k-1", WIRE, "m")
    assert b"\n" not in line.data
    read = json.loads(line.data)
    assert "k-1" in read.values()
    assert {"a": "line\nbreak"} in read.values()


READERS: list[tuple[str, Callable[[BatchCodec, bytes], object]]] = [
    ("decode", lambda codec, body: codec.decode(body)),
    ("page", lambda codec, body: codec.page(body)),
    ("result", lambda codec, body: codec.result(body)),
]
BROKEN = [b"", b"[]", b"{}", b"\xff", b'{"custom_id": 1}', b'{"key": "k"}', b"[" * 5000, b'{"operations": 3}']


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("what", "read"), READERS)
def test_what_is_not_in_the_vendor_s_form_is_a_typed_error(
    vendor: str, what: str, read: Callable[[BatchCodec, bytes], object], body: bytes
) -> None:
    if what == "page" and vendor == "google" and body in (b"{}", b'{"key": "k"}', b'{"custom_id": 1}'):
        assert codec_of(vendor).page(body).batches == []  # as a list is that has nothing
        return
    with pytest.raises(MalformedResponseError):
        read(codec_of(vendor), body)


@pytest.mark.parametrize("vendor", VENDORS)
def test_limits_name_the_page_that_says_so(vendor: str) -> None:
    limits = codec_of(vendor).limits
    assert limits.requests >= 50_000
    assert limits.size >= 100_000_000
    assert limits.page.startswith("https://")


def test_a_time_that_no_calendar_has_is_no_time() -> None:
    found = codec_of("openai").decode(encoded(openai("completed", created_at=10**30)))
    assert found == BatchStatus(id="batch_1", state="completed", label="lr")
