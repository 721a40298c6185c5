"""The names of models that a repository has, with what the registry knows of each. Nothing is fetched."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final, Literal

import msgspec
from llmring import ModelFacts, ModelRef, Prices
from llmring.registry import Registry
from llmring_lockfile import Binding, LockedModel, Lockfile, Profile, propose_upgrades

from llmring_cli._retired import Gone
from llmring_cli._retired import gone as gone_from
from llmring_cli.scanner.languages import TooCostlyError
from llmring_cli.scanner.literals import literals
from llmring_cli.scanner.names import ModelName, may_name_models, names_in
from llmring_cli.scanner.sources import SourceFile

Status = Literal["retired", "retiring", "superseded", "unlisted", "current"]
STATUSES: Final[tuple[Status, ...]] = ("retired", "retiring", "superseded", "unlisted", "current")
"""From the worst to the best."""
IGNORE: Final = "llmring: ignore"
"""A comment with these words excepts its line."""
_OWN_SCHEDULES = frozenset({"bedrock", "vertex", "vertex-anthropic"})
"""Clouds that retire the models of others on days of their own, as Anthropic's and Google's pages say:
https://platform.claude.com/docs/en/about-claude/model-deprecations"""
_UNRETIRED = ("ft:", "gpt-oss")
"""Fine-tuned models, which are nobody else's, and open weights, which are everybody's."""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about a name.

    Attributes:
        status: ``retired``; ``retiring`` within the days asked for, or retired by its vendor and perhaps not by the
            cloud; ``superseded`` by a later version that costs no more; ``unlisted`` where the registry lists the
            vendor's models, and not this one; ``current``.
        retires_on: the day from which the vendor does not serve it.
        successor: the vendor's model to use instead; ``None`` where none fits.
        prices: US dollars per million tokens, of the host where they are known, else of the vendor.
        note: what a reader has to know besides.
    """

    status: Status
    retires_on: date | None = None
    successor: ModelRef | None = None
    prices: Prices = Prices()
    note: str | None = None


class FoundName(msgspec.Struct, frozen=True, kw_only=True):
    """A name in a file: where, as it is written, and what it means. Line and column count from 1."""

    path: Path
    line: int
    column: int
    text: str
    name: ModelName
    judgement: Judgement


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a scan.

    Attributes:
        found: every name, in the order of files and lines.
        files: count of the files that were read.
        skipped: files that were not, with the reasons.
    """

    found: tuple[FoundName, ...]
    files: int
    skipped: tuple[tuple[Path, str], ...]

    def by_name(self) -> list[tuple[FoundName, ...]]:
        """The names, each with all its places, the worst first."""
        groups: dict[tuple[str, Judgement], list[FoundName]] = {}
        for one in sorted(self.found, key=lambda one: STATUSES.index(one.judgement.status)):
            groups.setdefault((one.text, one.judgement), []).append(one)
        return [tuple(group) for group in groups.values()]

    def counts(self) -> dict[Status, int]:
        return {status: sum(one.judgement.status == status for one in self.found) for status in STATUSES}


def review(files: Iterable[SourceFile], judge: "Judge") -> Outcome:
    """Find the names in files and judge them."""
    found: list[FoundName] = []
    skipped: list[tuple[Path, str]] = []
    count = 0
    for file in files:
        if file.text is None:
            skipped.append((file.path, file.problem or "cannot be read"))
            continue
        try:
            found += list(_names_in_file(file.path, file.text, judge))
        except TooCostlyError as error:
            skipped.append((file.path, str(error)))
        else:
            count += 1
    return Outcome(found=tuple(found), files=count, skipped=tuple(skipped))


def _names_in_file(path: Path, text: str, judge: "Judge") -> Iterator[FoundName]:
    if not may_name_models(text):
        return
    for literal in literals(path, text):
        if IGNORE in literal.after or not may_name_models(literal.text):
            continue
        for at, written, name in names_in(literal.text, literal.before):
            line = literal.place.line + literal.text.count("\n", 0, at)
            column = literal.place.column + at
            if line != literal.place.line:
                column = at - literal.text.rindex("\n", 0, at)
            judgement = judge.judge(name, written)
            yield FoundName(path=path, line=line, column=column, text=written, name=name, judgement=judgement)


class Judge:
    """Judges names by the registry of this machine.

    Args:
        registry: its snapshot, or the copy that was fetched last.
        today: counts the days.
        within_days: how long before its retirement a model is retiring.
    """

    def __init__(self, registry: Registry, *, today: date, within_days: int) -> None:
        self._registry = registry
        self._today = today
        self._days = within_days
        self._known: dict[tuple[ModelName, str], Judgement] = {}

    def judge(self, name: ModelName, written: str) -> Judgement:
        key = name, written
        if key not in self._known:
            self._known[key] = self._judge(name, written)
        return self._known[key]

    def _judge(self, name: ModelName, written: str) -> Judgement:
        vendor, registry = name.vendor, self._registry
        prices = self._prices(name, written)
        listed = registry.publication(vendor) is not None
        gone = gone_from(vendor, name.model)
        facts = None if gone is not None else registry.published(vendor, name.model)
        if not listed or name.model.startswith(_UNRETIRED):
            return Judgement(status="current", prices=prices)
        model = name.model if facts is None else facts.model
        upgrade = self._upgrade(ModelRef(vendor, model), known=facts is not None)
        status = _status(facts, gone, None if upgrade is None else upgrade[0])
        day = facts.retires_on if facts is not None else gone.retired_on if gone is not None else None
        note = None
        if status == "retired" and name.host in _OWN_SCHEDULES:
            status, note = "retiring", f"{vendor} has retired it; {name.host} has days of its own"
        return Judgement(
            status=status,
            retires_on=day,
            successor=None if upgrade is None else upgrade[1],
            prices=prices,
            note=note,
        )

    def _upgrade(self, ref: ModelRef, *, known: bool) -> tuple[str, ModelRef | None] | None:
        """Return why and what to use instead, by the rules of ``lock upgrade``."""
        binding = Binding("scanned", (ref,))
        lockfile = Lockfile(
            profiles={"default": Profile("default", (binding,))},
            locked={} if known else {str(ref): LockedModel(listed=True)},
        )
        proposed = propose_upgrades(
            lockfile, self._registry.models(ref.provider), today=self._today, within_days=self._days
        )
        return (proposed[0].reason, proposed[0].successor) if proposed else None

    def _prices(self, name: ModelName, written: str) -> Prices:
        for host, model in ((name.host, written), (name.host, name.model), (name.vendor, name.model)):
            facts = self._registry.facts(host, model.rpartition(f"{host}/")[2])
            if facts is not None and facts.prices.input is not None:
                return facts.prices
        return Prices()


def _status(facts: ModelFacts | None, gone: Gone | None, reason: str | None) -> Status:
    if gone is not None:
        return "retired"
    if facts is None:
        return "unlisted"
    known: dict[str | None, Status] = {
        "retired": "retired",
        "retiring": "retiring",
        "superseded": "superseded",
    }
    return known.get(reason, "current")
