"""Metrics in the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from llmring._records import CallRecord

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0)
_MOST_SERIES = 1000
_OTHER = "other"
"""Stands for labels beyond 1,000 series of a metric: clients who name models at will must not fill the memory."""
Labels: TypeAlias = tuple[str, ...]
Amounts: TypeAlias = dict[Labels, float]
Times: TypeAlias = dict[Labels, tuple[list[int], list[float]]]
"""For each series, how many were in each bucket, and the sum of all as a list of one."""


class Figures(msgspec.Struct, frozen=True):
    """Figures that one process hands to another, by metric and by the values of its labels.

    Attributes:
        amounts: of counters.
        times: of histograms.
    """

    amounts: dict[str, Amounts]
    times: dict[str, Times]


class _Family:
    """A metric with its label names.

    Args:
        name: of the metric.
        kind: ``counter`` or ``gauge``.
        text: its meaning.
        labels: their names.
    """

    def __init__(self, name: str, kind: str, text: str, labels: Sequence[str]) -> None:
        self.name = name
        self.head = f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
        self.labels = labels
        self.values: Amounts = {}

    def add(self, amount: float, *labels: str) -> None:
        """Count, for these values of the labels."""
        values = self.values
        if labels not in values and len(values) >= _MOST_SERIES:
            labels = (_OTHER,) * len(labels)
        values[labels] = values.get(labels, 0.0) + amount

    def take(self) -> Amounts:
        """Return what was counted, and begin anew."""
        taken, self.values = self.values, {}
        return taken

    def lines(self) -> Iterator[str]:
        yield self.head
        for values, amount in self.values.items():
            yield f"{self.name}{_labelled(self.labels, values)} {_number(amount)}\n"


class _Histogram:
    """Seconds, in buckets."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self.name = name
        self.head = f"# HELP {name} {text}\n# TYPE {name} histogram\n"
        self.labels = labels
        self.values: Times = {}

    def observe(self, seconds: float, *labels: str) -> None:
        """Count a length of time."""
        counts, total = self._series(labels)
        counts[bisect_left(_SECONDS, seconds)] += 1
        total[0] += seconds

    def add(self, times: Times) -> None:
        """Count what another process has."""
        for labels, (more, seconds) in times.items():
            counts, total = self._series(labels)
            for bucket, count in enumerate(more):
                counts[bucket] += count
            total[0] += seconds[0]

    def take(self) -> Times:
        """Return what was counted, and begin anew."""
        taken, self.values = self.values, {}
        return taken

    def _series(self, labels: Labels) -> tuple[list[int], list[float]]:
        if labels not in self.values and len(self.values) >= _MOST_SERIES:
            labels = (_OTHER,) * len(labels)
        return self.values.setdefault(labels, ([0] * (len(_SECONDS) + 1), [0.0]))

    def lines(self) -> Iterator[str]:
        yield self.head
        for values, (counts, total) in self.values.items():
            seen = 0
            for bound, count in zip((*map(_number, _SECONDS), "+Inf"), counts, strict=True):
                seen += count
                labels = _labelled((*self.labels, "le"), (*values, bound))
                yield f"{self.name}_bucket{labels} {seen}\n"
            labels = _labelled(self.labels, values)
            yield f"{self.name}_sum{labels} {_number(total[0])}\n{self.name}_count{labels} {seen}\n"


class Metrics:
    """The figures of a gateway since its start; of a worker, those that the supervisor does not have yet."""

    def __init__(self) -> None:
        self._requests = _Family(
            "llmring_requests_total", "counter", "Requests by status.", ("protocol", "operation", "status")
        )
        call = ("alias", "model")
        self._calls = _Family("llmring_calls_total", "counter", "Calls of the ring.", (*call, "ending"))
        self._tokens = _Family("llmring_tokens_total", "counter", "Tokens of calls.", (*call, "direction"))
        self._cost = _Family("llmring_cost_dollars_total", "counter", "US dollars of calls.", call)
        self._unpriced = _Family(
            "llmring_unpriced_calls_total", "counter", "Calls whose cost is not known.", call
        )
        self._errors = _Family(
            "llmring_attempt_errors_total", "counter", "Attempts that failed.", ("model", "error")
        )
        self._seconds = _Histogram("llmring_call_seconds", "Time to the end of the answer.", call)
        self._first = _Histogram("llmring_first_chunk_seconds", "Time to the first chunk of a stream.", call)
        self._counters = (
            self._requests,
            self._calls,
            self._tokens,
            self._cost,
            self._unpriced,
            self._errors,
        )
        self._histograms = (self._seconds, self._first)

    def count_request(self, protocol: str, operation: str, status: int) -> None:
        """Count a request that was answered; status 0 is a client that left before."""
        self._requests.add(1, protocol, operation, str(status))

    def count_call(self, record: CallRecord) -> None:
        """Count a call of the ring."""
        labels = record.alias or "", "" if record.model is None else str(record.model)
        self._calls.add(1, *labels, record.ending)
        self._seconds.observe(record.seconds, *labels)
        if record.first_chunk_s is not None:
            self._first.observe(record.first_chunk_s, *labels)
        for attempt in record.attempts:
            if attempt.outcome == "error":
                self._errors.add(1, attempt.model, attempt.error or "")
        usage = record.usage
        if usage is None:
            return
        self._tokens.add(usage.get("prompt_tokens", 0), *labels, "input")
        self._tokens.add(usage.get("completion_tokens", 0), *labels, "output")
        cost = usage.get("cost")
        if cost is None:
            self._unpriced.add(1, *labels)
        else:
            self._cost.add(cost, *labels)

    @property
    def figures(self) -> Figures:
        """All figures but the gauges."""
        return Figures(
            {family.name: family.values for family in self._counters},
            {family.name: family.values for family in self._histograms},
        )

    def take(self) -> Figures:
        """Return the figures that have changed, and begin anew."""
        return Figures(
            {family.name: family.take() for family in self._counters if family.values},
            {family.name: family.take() for family in self._histograms if family.values},
        )

    def add(self, figures: Figures) -> None:
        """Count what another process has."""
        for family in self._counters:
            for labels, amount in figures.amounts.get(family.name, {}).items():
                family.add(amount, *labels)
        for histogram in self._histograms:
            histogram.add(figures.times.get(histogram.name, {}))

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> bytes:
        """Return all figures.

        Args:
            gauges: values of this moment, each with its meaning.
        """
        moment = []
        for name, (meaning, value) in gauges.items():
            gauge = _Family(name, "gauge", meaning, ())
            gauge.add(value)
            moment.append(gauge)
        families: tuple[_Family | _Histogram, ...] = (*moment, *self._counters, *self._histograms)
        return "".join(line for family in families for line in family.lines()).encode(errors="replace")


def _labelled(names: Sequence[str], values: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True))
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(amount: float) -> str:
    return f"{amount:.12g}"
