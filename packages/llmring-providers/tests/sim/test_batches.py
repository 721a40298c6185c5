"""What a simulated host does with batches, by its script."""

from typing import Any

import msgspec
import pytest
from llmring_providers.sim import BatchRule, Rule, Script, Simulation, faults
from llmring_providers.transport import HttpRequest

HEADERS = {"openai": {}, "anthropic": {"anthropic-version": "2023-06-01"}, "google": {"x-goog-api-key": "k"}}
VENDORS = tuple(HEADERS)
PATHS = {
    "openai": "/v1/batches",
    "anthropic": "/v1/messages/batches",
    "google": "/v1beta/models/demo:batchGenerateContent",
}


class Host:
    """A simulated host and a client of one vendor's form."""

    def __init__(self, vendor: str, rule: BatchRule, *rules: Rule) -> None:
        self.vendor = vendor
        self.simulation = Simulation(Script(rules, (rule,)))

    def send(
        self, method: str, path: str, document: object = None, body: bytes = b""
    ) -> tuple[int | None, bytes]:
        headers = {"host": "h.test", **HEADERS[self.vendor]}
        if body:
            headers["content-type"] = "multipart/form-data; boundary=B"
        body = body or (b"" if document is None else msgspec.json.encode(document))
        plan, _ = self.simulation.plan(HttpRequest(method, path, headers, body))
        return plan.status, b"".join(step for step in plan.steps if isinstance(step, bytes))

    def create(self, *keys: str) -> tuple[int | None, Any]:
        message = [{"role": "user", "content": "Hi"}]
        asked: dict[str, Any]
        if self.vendor == "openai":
            chat = {"model": "demo", "messages": message}
            line = {"method": "POST", "url": "/v1/chat/completions", "body": chat}
            lines = b"\n".join(msgspec.json.encode({"custom_id": key, **line}) for key in keys)
            head = b'--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
            _, made = self.send("POST", "/v1/files", body=head + lines + b"\r\n--B--\r\n")
            file = msgspec.json.decode(made)["id"]
            asked = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
        elif self.vendor == "anthropic":
            params = {"model": "demo", "max_tokens": 9, "messages": message}
            asked = {"requests": [{"custom_id": key, "params": params} for key in keys]}
        else:
            request = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
            inline = [{"request": request, "metadata": {"key": key}} for key in keys]
            asked = {"batch": {"displayName": "d", "inputConfig": {"requests": {"requests": inline}}}}
        status, body = self.send("POST", PATHS[self.vendor], asked)
        return status, msgspec.json.decode(body or b"null")

    def look(self, made: Any) -> tuple[int | None, Any]:
        path = f"/v1beta/{made['name']}" if self.vendor == "google" else f"{PATHS[self.vendor]}/{made['id']}"
        status, body = self.send("GET", path)
        return status, msgspec.json.decode(body)

    def cancel(self, made: Any) -> None:
        name = (
            f"/v1beta/{made['name']}:" if self.vendor == "google" else f"{PATHS[self.vendor]}/{made['id']}/"
        )
        self.send("POST", f"{name}cancel")

    def keys(self, found: Any) -> list[str]:
        """Return the keys of all results, as they come."""
        if self.vendor == "google":
            inline = found["response"]["inlinedResponses"]["inlinedResponses"]
            return [each["metadata"]["key"] for each in inline]
        if self.vendor == "anthropic":
            paths = [f"/v1/messages/batches/{found['id']}/results"]
        else:
            files = (found["output_file_id"], found["error_file_id"])
            paths = [f"/v1/files/{file}/content" for file in files if file]
        lines = b"".join(self.send("GET", path)[1] for path in paths).splitlines()
        return [msgspec.json.decode(line)["custom_id"] for line in lines]


def state(found: Any) -> str:
    said = found.get("status") or found.get("processing_status") or found["metadata"]["state"]
    return str(said).lower().removeprefix("batch_state_")


KEYS = ("a", "b", "c", "d")
COURSES: list[tuple[BatchRule, list[str]]] = [
    (BatchRule(), ["a", "b", "c", "d"]),
    (BatchRule(lost_every=2), ["a", "c"]),
    (BatchRule(repeated_every=3), ["a", "b", "c", "c", "d"]),
    (BatchRule(has_stray=True), ["a", "b", "c", "d", "nobody-asked-for-this"]),
    (BatchRule(expired_every=2), ["a", "b", "c", "d"]),
]


@pytest.mark.parametrize(("rule", "keys"), COURSES)
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_rule_decides_which_results_there_are(vendor: str, rule: BatchRule, keys: list[str]) -> None:
    host = Host(vendor, rule)
    _, made = host.create(*KEYS)
    _, found = host.look(made)
    assert sorted(host.keys(found)) == keys


@pytest.mark.parametrize("vendor", VENDORS)
def test_shuffled_results_are_all_there_in_another_order(vendor: str) -> None:
    host = Host(vendor, BatchRule(is_shuffled=True))
    _, made = host.create(*(f"k{number}" for number in range(9)))
    keys = host.keys(host.look(made)[1])
    assert keys != sorted(keys)
    assert len(set(keys)) == 9


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_batch_runs_for_as_many_looks_as_its_rule_says(vendor: str) -> None:
    host = Host(vendor, BatchRule(looks=2, lost_looks=1))
    _, made = host.create(*KEYS)
    assert [host.look(made)[0] for _ in range(3)] == [503, 200, 200]
    assert state(host.look(made)[1]) in ("completed", "ended", "succeeded")


@pytest.mark.parametrize("vendor", VENDORS)
def test_half_of_a_cancelled_batch_was_processed(vendor: str) -> None:
    host = Host(vendor, BatchRule(looks=1))
    _, made = host.create(*KEYS)
    host.cancel(made)
    assert state(host.look(made)[1]) in ("cancelling", "canceling", "running")
    found = host.look(made)[1]
    assert state(found) in ("cancelled", "ended")
    assert sorted(host.keys(found)) == (["a", "b", "c", "d"] if vendor == "anthropic" else ["a", "b"])


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_batch_whose_answer_was_lost_is_there_all_the_same(vendor: str) -> None:
    host = Host(vendor, BatchRule(lost_create=True))
    assert host.create(*KEYS) == (None, None)
    assert len(list(host.simulation.batches)) == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_batch_is_refused_with_a_reason(vendor: str) -> None:
    host = Host(vendor, BatchRule(refusal="no such model"))
    status, said = host.create(*KEYS)
    if vendor != "anthropic":
        status, said = host.look(said)
    assert status == (400 if vendor == "anthropic" else 200)
    assert "no such model" in str(said)


@pytest.mark.parametrize("vendor", VENDORS)
def test_keys_that_come_twice_are_refused(vendor: str) -> None:
    status, said = Host(vendor, BatchRule()).create("a", "a")
    assert status == 400
    assert "not unique" in str(said)


@pytest.mark.parametrize("vendor", VENDORS)
def test_rules_for_calls_hold_for_the_requests_of_a_batch(vendor: str) -> None:
    host = Host(vendor, BatchRule(), Rule(every=4, fault=faults.Status(status=500, message="as scripted")))
    _, made = host.create(*KEYS)
    _, found = host.look(made)
    assert sorted(host.keys(found)) == list(KEYS)
    said = msgspec.json.encode(found)
    failed = {"openai": b'"failed":1', "anthropic": b'"errored":1', "google": b'"failedRequestCount":"1"'}
    assert failed[vendor] in said


REFUSED: list[tuple[str, object, str]] = [
    ("openai", "[]", "not an object"),
    ("openai", "{", "not JSON"),
    ("openai", {"input_file_id": "nosuch"}, "no such file: nosuch"),
    ("anthropic", {"requests": []}, "a batch has 1 to"),
    ("anthropic", {"requests": [{"custom_id": "a", "params": {}}] * 2}, "are not unique"),
    ("anthropic", {"requests": [{"custom_id": "a b", "params": {}}]}, "does not match"),
]


@pytest.mark.parametrize(("vendor", "asked", "why"), REFUSED)
def test_a_batch_that_is_none_is_refused_with_the_reason(vendor: str, asked: object, why: str) -> None:
    host = Host(vendor, BatchRule())
    if isinstance(asked, str):
        simulation = host.simulation
        plan, _ = simulation.plan(
            HttpRequest("POST", PATHS[vendor], {"host": "h.test", **HEADERS[vendor]}, asked.encode())
        )
        status, body = plan.status, b"".join(step for step in plan.steps if isinstance(step, bytes))
    else:
        status, body = host.send("POST", PATHS[vendor], asked)
    assert status == 400
    assert why in body.decode()
