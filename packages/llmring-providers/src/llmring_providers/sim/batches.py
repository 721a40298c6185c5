"""Batches of a simulated host: what is in them, and how far each has come. The forms are each vendor's."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

import msgspec

from llmring_providers.sim.files import HostedFiles, Vendor
from llmring_providers.sim.plan import Plan
from llmring_providers.sim.script import BatchRule
from llmring_providers.transport import HttpRequest

HostedState = Literal["running", "cancelling", "completed", "expired", "cancelled", "failed"]


class HostedLine(NamedTuple):
    """One request of a batch, as it would come alone."""

    key: str
    request: HttpRequest


class HostedResult(NamedTuple):
    """The result of one request; ``status`` is 0 where it was not processed, for the reason in ``ending``."""

    key: str
    status: int
    body: bytes
    ending: str = "answered"


class HostedBatch(msgspec.Struct):
    """A batch as the simulated host has it.

    Attributes:
        id: by which clients name it.
        vendor: whose form it came in.
        label: the name that it was given, if any.
        details: what is to be said of it besides, in the vendor's form.
        lines: its requests.
        rule: its course.
        by_file: whether its requests came in a file.
        origin: scheme and host under which its client knows the simulator.
        looks: how often somebody has looked at it.
        is_cancelled: whether somebody has asked for its end.
    """

    id: str
    vendor: Vendor
    label: str | None
    details: dict[str, Any]
    lines: list[HostedLine]
    rule: BatchRule
    by_file: bool = False
    origin: str = ""
    looks: int = 0
    is_cancelled: bool = False
    results: list[HostedResult] | None = None

    @property
    def state(self) -> HostedState:
        """The state, in words of no vendor."""
        if self.rule.refusal is not None or self.rule.is_queue_full:
            return "failed"
        if self.looks <= self.rule.looks:
            return "cancelling" if self.is_cancelled else "running"
        if self.is_cancelled:
            return "cancelled"
        return "completed" if self.rule.expired_every is None else "expired"

    @property
    def has_ended(self) -> bool:
        """True once it has results."""
        return self.state not in ("running", "cancelling", "failed")


class BatchReply(NamedTuple):
    """An answer about batches; ``None`` for the status loses the connection."""

    status: int | None
    body: bytes
    media_type: str = "application/json"


class UnreadableBatchError(Exception):
    """A batch that the real vendor would refuse at once; the text says why."""


class BatchForm(Protocol):
    """One vendor's form, seen from the host's side."""

    def read(
        self, body: bytes, target: str, files: HostedFiles
    ) -> tuple[dict[str, Any], str | None, list[HostedLine], bool]:
        """Return details, label and lines of a new batch, and whether they came in a file.

        Raises:
            UnreadableBatchError: the vendor would refuse it.
        """

    def describe(self, batch: HostedBatch) -> dict[str, Any]:
        """Return what the vendor says of a batch."""

    def page(self, batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the list of batches, all on one page."""

    def result(self, batch: HostedBatch, result: HostedResult) -> bytes:
        """Return a line of results."""

    def error(self, status: int, message: str) -> dict[str, Any]:
        """Return an error."""


Ask = Callable[[HttpRequest], Plan]


class HostedBatches:
    """The batches of one simulated host.

    Args:
        files: in which some vendors' requests come.
        ask: answers one request, as if it had come alone.
        rule: returns the rule for the batch of a number.
    """

    def __init__(self, files: HostedFiles, ask: Ask, rule: Callable[[int], BatchRule]) -> None:
        self._files = files
        self._ask = ask
        self._rule = rule
        self._batches: dict[str, HostedBatch] = {}
        self._number = 0

    def __iter__(self) -> Iterator[HostedBatch]:
        return iter(list(self._batches.values()))

    def renumber(self) -> None:
        """Number batches from 1 again; ids stay apart."""
        self._number = 0

    def create(self, form: BatchForm, vendor: Vendor, request: HttpRequest) -> BatchReply:
        target = urlsplit(request.url)
        try:
            details, label, lines, by_file = form.read(request.body, target.path, self._files)
        except UnreadableBatchError as error:
            return _json(400, form.error(400, str(error)))
        self._number += 1
        name = f"{_PREFIXES[vendor]}{len(self._batches) + 1:06}"
        batch = HostedBatch(name, vendor, label, details, lines, self._rule(self._number), by_file)
        batch.origin = f"{target.scheme or 'http'}://{target.netloc or request.headers.get('host', '')}"
        if batch.rule.refusal is not None and vendor == "anthropic":  # which refuses at once
            return _json(400, form.error(400, batch.rule.refusal))
        if batch.rule.is_queue_full and vendor != "openai":  # which says so later
            return _json(429, form.error(429, _QUEUE_FULL))
        self._batches[name] = batch
        return BatchReply(None, b"") if batch.rule.lost_create else _json(200, form.describe(batch))

    def look(self, form: BatchForm, batch_id: str) -> BatchReply:
        batch = self._batches.get(batch_id)
        if batch is None:
            return _json(404, form.error(404, f"no such batch: {batch_id}"))
        batch.looks += 1
        if batch.looks <= batch.rule.lost_looks:
            return _json(503, form.error(503, "the simulated look is lost"))
        return _json(200, form.describe(self._finished(batch)))

    def cancel(self, form: BatchForm, batch_id: str) -> BatchReply:
        batch = self._batches.get(batch_id)
        if batch is None:
            return _json(404, form.error(404, f"no such batch: {batch_id}"))
        if batch.state in ("running", "cancelling"):
            batch.is_cancelled = True
        return _json(200, {} if batch.vendor == "gemini" else form.describe(batch))

    def listed(self, form: BatchForm, vendor: Vendor) -> BatchReply:
        own = [self._finished(each) for each in reversed(list(self)) if each.vendor == vendor]
        return _json(200, form.page([form.describe(each) for each in own]))

    def results(self, form: BatchForm, batch_id: str, *, failed: bool | None = None) -> BatchReply:
        """Return the results as lines; those that were answered, or the others, or all."""
        batch = self._batches.get(batch_id)
        if batch is None or not batch.has_ended:
            return _json(404, form.error(404, f"no results of {batch_id}"))
        chosen = [
            form.result(batch, each)
            for each in self._finished(batch).results or ()
            if failed is None or failed is not (200 <= each.status < 300)  # noqa: PLR2004 - of HTTP
        ]
        return BatchReply(200, b"".join(line + b"\n" for line in chosen), "application/jsonl")

    def _finished(self, batch: HostedBatch) -> HostedBatch:
        """Process the requests of a batch that has ended, once."""
        if batch.has_ended and batch.results is None:
            batch.results = list(self._processed(batch))
            if batch.rule.is_shuffled:
                random.Random(batch.id).shuffle(batch.results)  # noqa: S311 - the same each time
        return batch

    def _processed(self, batch: HostedBatch) -> Iterator[HostedResult]:
        rule = batch.rule
        half = len(batch.lines) // 2
        for number, line in enumerate(batch.lines, 1):
            if batch.is_cancelled and number > half:
                if batch.vendor == "anthropic":  # the others leave them out
                    yield HostedResult(line.key, 0, b"", "cancelled")
                continue
            if _is_hit(rule.expired_every, number):
                yield HostedResult(line.key, 0, b"", "expired")
                continue
            if _is_hit(rule.lost_every, number):
                continue
            plan = self._ask(line.request)
            body = b"".join(step for step in plan.steps if isinstance(step, bytes))
            result = HostedResult(line.key, plan.status or 500, body)
            yield result
            if _is_hit(rule.repeated_every, number):
                yield result
        if rule.has_stray and batch.lines:
            plan = self._ask(batch.lines[0].request)
            body = b"".join(step for step in plan.steps if isinstance(step, bytes))
            yield HostedResult("nobody-asked-for-this", plan.status or 500, body)


_QUEUE_FULL = "too much is enqueued in batches"
_PREFIXES: Mapping[Vendor, str] = {"openai": "batch_", "anthropic": "msgbatch_", "gemini": "batches/"}


def _is_hit(every: int | None, number: int) -> bool:
    return every is not None and number % every == 0


def _json(status: int, document: Any) -> BatchReply:
    return BatchReply(status, msgspec.json.encode(document))
