"""The requests asked of both models at once, and the measures by which they are compared. Errors are outcomes."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from statistics import mean, median
from typing import Final, Literal, get_args

import msgspec
from llmring import LLMRequest, LLMRing, ModelRef
from llmring.bulk import Outcome, Plan, Row

from llmring_cli._output import WRONG_USAGE, CommandError
from llmring_cli.trial.rows import TrialRow

Measured = Literal["answered", "schema", "tools", "length", "latency", "cost"]
_MOST: dict[Measured, float] = {"answered": 100.0, "schema": 100.0, "tools": 100.0}
"""The percentage of a share that no trial exceeds."""
AT_LEAST: Final = frozenset({"answered", "schema", "tools"})
"""Measures that a bar is the least of; it is the most of the others."""
_CONCURRENCY = 8


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, or why there is none.

    Attributes:
        text: the content; empty where there is none.
        calls: the functions that are called, with their arguments as JSON text.
        fits: it is the JSON that was asked for, or calls a function; of requests without a schema it says nothing.
        error: the name and the text of the error.
        seconds: of the attempt that answered.
        cost: US dollars, ``None`` where they are not known.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    fits: bool = False
    error: str | None = None
    seconds: float | None = None
    cost: float | None = None

    @property
    def shown(self) -> str:
        """The text and the calls, else the error: for readers to compare."""
        calls = [f"{name}({arguments})" for name, arguments in self.calls]
        return "\n".join([*([self.text] if self.text else []), *calls]) or self.error or ""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One request with both answers.

    Attributes:
        key: of the row.
        prompt: the last message.
        has_schema: the request asks for JSON of a schema.
        has_tools: the request has tools.
        old: the present model's answer.
        new: the successor's.
    """

    key: str
    prompt: str
    has_schema: bool
    has_tools: bool
    old: Answer
    new: Answer

    @property
    def is_same(self) -> bool:
        return (self.old.text, self.old.calls, self.old.error) == (
            self.new.text,
            self.new.calls,
            self.new.error,
        )


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison.

    Attributes:
        name: of the measure.
        old: the present model's value: a share of the rows, characters, seconds or dollars.
        new: the successor's value.
        percent: of the share for ``answered``, ``schema`` and ``tools``, else of the new value to the old one;
            ``None`` where it cannot be said.
        rows: that it rests on.
        bar: the percentage that was asked for.
    """

    name: Measured
    old: float | None
    new: float | None
    percent: float | None
    rows: int
    bar: float | None = None

    @property
    def is_met(self) -> bool:
        """``True`` where no bar was stated; one that nothing can be said of is not met."""
        if self.bar is None:
            return True
        if self.percent is None:
            return False
        return self.percent >= self.bar if self.name in AT_LEAST else self.percent <= self.bar


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a trial of one successor."""

    model: ModelRef
    successor: ModelRef
    pairs: tuple[Pair, ...]
    measures: tuple[Measure, ...]

    @property
    def passed(self) -> bool:
        answered = any(pair.new.error is None for pair in self.pairs)
        return answered and all(measure.is_met for measure in self.measures)

    @property
    def has_bars(self) -> bool:
        return any(measure.bar is not None for measure in self.measures)

    @property
    def different(self) -> tuple[Pair, ...]:
        return tuple(pair for pair in self.pairs if not pair.is_same)


def read_bars(texts: Iterable[str]) -> dict[Measured, float]:
    """Read ``schema=100%`` and the like.

    Raises:
        CommandError: one is not of this form.
    """
    bars: dict[Measured, float] = {}
    for text in texts:
        name, equals, number = text.partition("=")
        known = next((each for each in get_args(Measured) if each == name.strip()), None)
        try:
            # Without the sign, schema=1 could mean all of the answers or one in a hundred.
            percent = float(number.strip().removesuffix("%")) if number.strip().endswith("%") else -1.0
        except ValueError:
            percent = -1.0
        if known is None or not equals or not 0 <= percent <= _MOST.get(known, sys.float_info.max):
            raise CommandError(
                f"--require {text}: write {', '.join(get_args(Measured))} with a percentage, such as schema=100%",
                exit_code=WRONG_USAGE,
            )
        bars[known] = percent
    return bars


def rows_for(model: ModelRef, rows: Sequence[TrialRow]) -> list[Row]:
    """Return the rows of a bulk job that asks one model."""
    return [
        Row(
            key=row.key,
            request=_ask(row.request, model) if isinstance(row.request, LLMRequest) else row.request,
        )
        for row in rows
    ]


def _ask(request: LLMRequest, model: ModelRef) -> LLMRequest:
    return msgspec.structs.replace(request, model=str(model))


async def plan(ring: LLMRing, models: Iterable[ModelRef], rows: Sequence[TrialRow]) -> Plan:
    """Return what asking all of the models costs at most. Nothing is sent."""
    return await ring.plan([row for model in models for row in rows_for(model, rows)])


async def run(
    ring: LLMRing,
    model: ModelRef,
    successor: ModelRef,
    rows: Sequence[TrialRow],
    *,
    bars: Mapping[Measured, float],
    budget: Decimal | None,
) -> Trial:
    """Ask both models everything, within one budget, and compare.

    Rows that would pass the budget are errors, as are those that cannot be read or answered.
    """
    asked = [*rows_for(model, rows), *rows_for(successor, rows)]
    outcomes: list[Outcome] = []
    async with ring.map(asked, ordered=True, concurrency=_CONCURRENCY, budget_usd=budget) as job:
        outcomes += [outcome async for outcome in job]
    half = len(rows)
    pairs = tuple(
        _pair(row, old, new) for row, old, new in zip(rows, outcomes[:half], outcomes[half:], strict=True)
    )
    return Trial(model=model, successor=successor, pairs=pairs, measures=measures(pairs, bars))


def _pair(row: TrialRow, old: Outcome, new: Outcome) -> Pair:
    request = row.request
    if not isinstance(request, LLMRequest):
        return Pair(
            key=row.key, prompt="", has_schema=False, has_tools=False, old=_answer(old), new=_answer(new)
        )
    form = request.response_format
    content = request.messages[-1].content if request.messages else ""
    return Pair(
        key=row.key,
        prompt=content if isinstance(content, str) else msgspec.json.encode(content).decode(),
        has_schema=form is not None and not (isinstance(form, dict) and form.get("type") == "text"),
        has_tools=bool(request.tools),
        old=_answer(old),
        new=_answer(new),
    )


def _answer(outcome: Outcome) -> Answer:
    response = outcome.response
    if response is None:
        error = outcome.error
        return Answer(error=f"{type(error).__name__}: {error}", cost=outcome.cost)
    calls = tuple(
        (call["function"]["name"], call["function"]["arguments"]) for call in response.tool_calls or ()
    )
    ended = [attempt.seconds for attempt in response.attempts if attempt.outcome == "ok"]
    return Answer(
        text=response.content,
        calls=calls,
        fits=response.parsed is not None or bool(calls),
        seconds=ended[-1] if ended else None,
        cost=outcome.cost,
    )


def measures(pairs: Sequence[Pair], bars: Mapping[Measured, float]) -> tuple[Measure, ...]:
    """Compare the answers of both models."""
    schemas = [pair for pair in pairs if pair.has_schema]
    # Whether a call is right only the present model can say, so rows that it has not answered do not count.
    tools = [pair for pair in pairs if pair.has_tools and pair.old.error is None]
    both = [pair for pair in pairs if pair.old.error is None and pair.new.error is None]
    found = (
        _share("answered", [(pair.old.error is None, pair.new.error is None) for pair in pairs]),
        _share("schema", [(pair.old.fits, pair.new.fits) for pair in schemas]),
        _share("tools", [(True, _names(pair.new) == _names(pair.old)) for pair in tools]),
        _ratio("length", [(float(len(pair.old.shown)), float(len(pair.new.shown))) for pair in both], mean),
        _ratio("latency", [(pair.old.seconds, pair.new.seconds) for pair in both], median),
        _ratio("cost", [(pair.old.cost, pair.new.cost) for pair in both], sum),
    )
    return tuple(msgspec.structs.replace(each, bar=bars.get(each.name)) for each in found)


def _names(answer: Answer) -> list[str] | None:
    return None if answer.error is not None else sorted(name for name, _ in answer.calls)


def _share(name: Measured, rows: Sequence[tuple[bool, bool]]) -> Measure:
    count = len(rows)
    if not count:
        return Measure(name=name, old=None, new=None, percent=None, rows=0)
    old, new = sum(one for one, _ in rows), sum(other for _, other in rows)
    return Measure(name=name, old=old / count, new=new / count, percent=100 * new / count, rows=count)


def _ratio(
    name: Measured,
    values: Sequence[tuple[float | None, float | None]],
    total: Callable[[Sequence[float]], float],
) -> Measure:
    known = [(old, new) for old, new in values if old is not None and new is not None]
    if not known:
        return Measure(name=name, old=None, new=None, percent=None, rows=0)
    old, new = total([each for each, _ in known]), total([each for _, each in known])
    percent = 100 * new / old if old else 100.0 if not new else None
    return Measure(name=name, old=old, new=new, percent=percent, rows=len(known))
