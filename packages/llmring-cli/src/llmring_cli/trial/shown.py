"""Trials for people and programs: measures as a table, different answers side by side, JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

from llmring.bulk import Plan

from llmring_cli._output import count_text, dollars_text, one_line, print_line, print_table, report
from llmring_cli.trial.trial import AT_LEAST, Measure, Pair, Trial

_SHOWN_PAIRS = 5
_LONGEST = 200


def print_trial(trial: Trial) -> None:
    """Print the measures, and the first answers that differ."""
    print_line(f"{trial.model} -> {trial.successor}: {count_text(len(trial.pairs), 'request')}")
    print_table(("measure", str(trial.model), str(trial.successor), "percent", "bar"), measure_rows(trial))
    different = trial.different
    if different:
        print_table(
            ("request", str(trial.model), str(trial.successor)),
            [
                (pair_title(pair), _short(pair.old.shown), _short(pair.new.shown))
                for pair in different[:_SHOWN_PAIRS]
            ],
        )
    more = len(different) - _SHOWN_PAIRS
    hidden = f", {more:,} of them not shown. To see all: --html FILE" if more > 0 else ""
    report(f"{count_text(len(different), 'answer')} of {len(trial.pairs):,} differ{hidden}")


def measure_rows(trial: Trial) -> list[tuple[str, ...]]:
    """Return a row for each measure that says anything: its name, both values, the percentage, the bar's outcome."""
    return [_row(measure) for measure in trial.measures if measure.rows or measure.bar is not None]


def _row(measure: Measure) -> tuple[str, ...]:
    bar = ""
    if measure.bar is not None:
        sign = ">=" if measure.name in AT_LEAST else "<="
        bar = f"{sign} {measure.bar:g}%: {'met' if measure.is_met else 'not met'}"
    percent = "?" if measure.percent is None else f"{measure.percent:.0f}%"
    return measure.name, _value(measure, measure.old), _value(measure, measure.new), percent, bar


def _value(measure: Measure, value: float | None) -> str:
    if value is None:
        return "?"
    if measure.name in AT_LEAST:
        return f"{round(value * measure.rows):,} of {measure.rows:,}"
    if measure.name == "cost":
        return dollars_text(value)
    return f"{value:.2f} s" if measure.name == "latency" else f"{value:,.0f} characters"


def pair_title(pair: Pair) -> str:
    """Return the key of a row and the beginning of its prompt."""
    return f"{pair.key}: {_short(pair.prompt)}" if pair.prompt else pair.key


def _short(text: str) -> str:
    text = " ".join(one_line(text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def trial_json(trial: Trial) -> dict[str, Any]:
    """Return the trial as JSON values; shares and ratios are percentages."""
    return {
        "model": str(trial.model),
        "successor": str(trial.successor),
        "passed": trial.passed,
        "measures": [
            {
                "name": measure.name,
                "old": measure.old,
                "new": measure.new,
                "percent": measure.percent,
                "rows": measure.rows,
                "bar": measure.bar,
                "met": measure.is_met,
            }
            for measure in trial.measures
        ],
        "rows": [
            {"key": pair.key, "same": pair.is_same, "old": _answer(pair, "old"), "new": _answer(pair, "new")}
            for pair in trial.pairs
        ],
    }


def _answer(pair: Pair, side: str) -> Mapping[str, Any]:
    answer = pair.old if side == "old" else pair.new
    return {
        "text": answer.text,
        "calls": [{"name": name, "arguments": arguments} for name, arguments in answer.calls],
        "error": answer.error,
        "seconds": answer.seconds,
        "cost": answer.cost,
    }


def plan_text(plan: Plan, models: Sequence[object]) -> str:
    """Return what a trial comes to."""
    unpriced = f"; the price of {count_text(plan.unpriced, 'request')} is not known" if plan.unpriced else ""
    names = " and ".join(map(str, models))
    return f"{count_text(plan.rows, 'request')} to {names}: at most {dollars_text(plan.live_usd)}{unpriced}"
