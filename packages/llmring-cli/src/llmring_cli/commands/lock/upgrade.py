"""``llmring lock upgrade``: successors of outdated models, and trials of them."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cyclopts import Parameter
from llmring_lockfile import Lockfile, Upgrade, apply_upgrades, lock_models, propose_upgrades

from llmring_cli._live import ORIGIN
from llmring_cli._lockfiles import Source, read_lockfile, shown
from llmring_cli._models import KnownModels, Offline, RegistryUrl, known_models, pool_providers, price_text
from llmring_cli._output import (
    FAILED,
    UNREACHABLE,
    WRONG_USAGE,
    CommandError,
    confirm,
    print_json,
    print_line,
    report,
    report_text,
)
from llmring_cli._parameters import Alias, Count, Dollars, Flag, Json, LockfilePath, today

if TYPE_CHECKING:
    from llmring import ModelRef
    from llmring_lockfile import Document

    from llmring_cli.trial.rows import TrialRow
    from llmring_cli.trial.trial import Measured, Trial


class TrialOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``--try``."""

    cassettes: tuple[Path, ...]
    prompts: Path | None
    require: tuple[str, ...]
    budget: Decimal | None
    html: Path | None
    yes: bool
    json: bool

    def refuse(self) -> None:
        """Refuse those that mean nothing without a trial.

        Raises:
            CommandError: there is one.
        """
        if self.cassettes or self.prompts or self.require or self.budget or self.html:
            raise CommandError(
                "--cassettes, --prompts, --require, --budget and --html are options of --try",
                exit_code=WRONG_USAGE,
            )

    def bars(self) -> "dict[Measured, float]":
        """Return the bars of ``--require``.

        Raises:
            CommandError: one is not of its form.
        """
        from llmring_cli.trial.trial import read_bars  # noqa: PLC0415 - most upgrades are not tried

        return read_bars(self.require)


def upgrade(
    alias: Alias | None = None,
    /,
    *,
    try_: Annotated[Flag, Parameter(name="--try")] = False,
    cassettes: Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False)] = (),
    prompts: Path | None = None,
    require: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    budget: Dollars | None = None,
    html: Path | None = None,
    profile: str | None = None,
    days: Count = 90,
    yes: Annotated[Flag, Parameter(alias="-y")] = False,
    lockfile: LockfilePath = None,
    registry: RegistryUrl = None,
    offline: Offline = False,
    json: Json = False,
) -> int:
    """Propose successors for outdated models.

    Outdated models are retired, retiring or superseded. Changes are written after a confirmation, or with
    --yes. With --try, the successor and the present model are asked the same requests first, and compared.
    Exit code 1 if a bar of --require is missed, 3 if the registry cannot be reached.

    $ llmring lock upgrade
    $ llmring lock upgrade summarizer --yes
    $ llmring lock upgrade --try --budget 2 --require schema=100%
    $ llmring lock upgrade --try --prompts prompts.jsonl --html trial.html

    Args:
        alias: Only this alias.
        try_: Ask both models before anything is written.
        cassettes: Cassettes, or folders with them, whose requests are tried. Default: those below this folder.
        prompts: A file of prompts to try instead: a table (JSON lines, CSV), or one prompt a line.
        require: Write if this bar is met, else not: schema, tools, answered (least), cost, latency, length (most).
        budget: Most US dollars that a trial may cost.
        html: Also write the trial, with all answers side by side, to this file.
        profile: Only this profile.
        days: Treat models as outdated this many days before their retirement.
        yes: Write without confirmation.
    """
    options = TrialOptions(
        cassettes=cassettes, prompts=prompts, require=require, budget=budget, html=html, yes=yes, json=json
    )
    if try_:
        options.bars()
    else:
        options.refuse()
    source = read_lockfile(lockfile)
    _require_bound(source.lockfile, alias, profile)
    providers = pool_providers(source.lockfile)
    known = known_models(providers, url=registry, offline=offline)
    if known.failures:
        raise CommandError(
            f"nothing can be proposed: {next(iter(known.failures.values()))}. To use local data: --offline",
            exit_code=UNREACHABLE,
        )
    upgrades = propose_upgrades(
        source.lockfile,
        [facts for name in sorted(providers) for facts in known.registry.models(name)],
        today=today(),
        within_days=days,
        alias=alias,
        profile=profile,
    )
    if not json:
        _show(upgrades)
    trials = _try(source.lockfile, upgrades, options) if try_ else ()
    passed = _passed(upgrades, trials) if try_ else upgrades
    if upgrades and not passed:
        report("nothing was written: no proposal was tried and met every bar")
        written = False
    else:
        written = _write(source, known, passed, yes=yes or bool(require), ask=not json)
    if json:
        from llmring_cli.trial.shown import trial_json  # noqa: PLC0415 - most upgrades are not tried

        document = {
            "lockfile": str(source.path),
            "upgrades": [_plain(upgrade) for upgrade in upgrades],
            "written": written,
        }
        print_json({**document, "trials": [trial_json(one) for one in trials]} if try_ else document)
    return 0 if all(trial.passed for trial in trials) else FAILED


def _try(lockfile: Lockfile, upgrades: Sequence[Upgrade], options: TrialOptions) -> "tuple[Trial, ...]":
    """Ask both models of each proposal, once for aliases that share it."""
    from llmring_cli.trial.rows import from_cassettes, from_prompts  # noqa: PLC0415 - as above

    wanted: dict[tuple[ModelRef, ModelRef], list[TrialRow]] = {}
    prompts = None if options.prompts is None else list(from_prompts(options.prompts))
    for each in upgrades:
        if each.successor is None or (each.model, each.successor) in wanted:
            continue
        rows = list(from_cassettes(options.cassettes, each.model)) if prompts is None else prompts
        if rows:
            wanted[each.model, each.successor] = rows
        else:
            where = "the file is empty" if prompts is not None else "no cassette has a request to it"
            report(f"warning: {each.model} is not tried: {where}. To give prompts: --prompts FILE")
    trials = asyncio.run(_run(lockfile, wanted, options)) if wanted else ()
    if options.html is not None and trials:
        from llmring_cli.page.reports import write_report  # noqa: PLC0415 - as above
        from llmring_cli.trial.shown import measure_rows  # noqa: PLC0415 - as above

        write_report(
            options.html,
            "report-trial.html",
            title="Trial of successors",
            trials=trials,
            rows_of=measure_rows,
        )
    return trials


async def _run(
    lockfile: Lockfile,
    wanted: "dict[tuple[ModelRef, ModelRef], list[TrialRow]]",
    options: TrialOptions,
) -> "tuple[Trial, ...]":
    from llmring import LLMRing  # noqa: PLC0415 - as above

    from llmring_cli.trial import trial  # noqa: PLC0415 - as above
    from llmring_cli.trial.shown import plan_text, print_trial  # noqa: PLC0415 - as above

    done: list[Trial] = []
    left = options.budget
    async with LLMRing(ORIGIN, lockfile=lockfile) as ring:
        for (model, successor), rows in wanted.items():
            plan = await trial.plan(ring, (model, successor), rows)
            report(plan_text(plan, (model, successor)))
            if not _may_ask(options, free=not plan.live_usd and not plan.unpriced):
                raise CommandError("nothing was asked. To allow what it costs: --budget DOLLARS, or --yes")
            done.append(await trial.run(ring, model, successor, rows, bars=options.bars(), budget=left))
            left = None if left is None else max(left - _spent(done[-1]), _LEAST)
            if not options.json:
                print_trial(done[-1])
    return tuple(done)


_LEAST = Decimal("1e-9")
"""Dollars: a budget that is used up refuses every call that costs anything."""


def _may_ask(options: TrialOptions, *, free: bool) -> bool:
    return free or options.budget is not None or options.yes or (not options.json and confirm("ask them?"))


def _spent(trial: "Trial") -> Decimal:
    costs = (answer.cost for pair in trial.pairs for answer in (pair.old, pair.new))
    return sum((Decimal(str(cost)) for cost in costs if cost is not None), Decimal(0))


def _passed(upgrades: Sequence[Upgrade], trials: "Sequence[Trial]") -> Sequence[Upgrade]:
    """Return the proposals that were tried and met every bar."""
    passed = {(trial.model, trial.successor) for trial in trials if trial.passed}
    return [each for each in upgrades if (each.model, each.successor) in passed]


def _require_bound(lockfile: Lockfile, alias: str | None, profile: str | None) -> None:
    profiles = lockfile.profiles.values() if profile is None else [lockfile.profile(profile)]
    if alias is not None and not any(one.binding(alias) for one in profiles):
        where = "in any profile" if profile is None else f"in profile {profile}"
        raise CommandError(
            f"the alias {alias!r} is not bound {where}. To list the bound ones: llmring aliases"
        )


def _write(source: Source, known: KnownModels, upgrades: Sequence[Upgrade], *, yes: bool, ask: bool) -> bool:
    if not any(upgrade.successor for upgrade in upgrades):
        report("nothing to upgrade" if not upgrades else "no successor fits. To choose one: llmring bind")
        return False
    from llmring_lockfile import Document, editing  # noqa: PLC0415 - mostly there is nothing to write

    draft = Document(source.text, shown(source.path))
    _apply(draft, known, upgrades)
    if ask:
        report_text(draft.diff().rstrip())
    if not yes and not (ask and confirm(f"write this to {shown(source.path)}?")):
        report("nothing was written. To write without confirmation: --yes")
        return False
    with editing(source.path) as document:
        _apply(document, known, upgrades)
    report(f"wrote {shown(source.path)}")
    return True


def _apply(document: "Document", known: KnownModels, upgrades: Sequence[Upgrade]) -> None:
    """Put the successors in; where models are locked, lock them too."""
    apply_upgrades(document, upgrades)
    if document.lockfile.locked:
        new = {upgrade.successor for upgrade in upgrades if upgrade.successor is not None}
        releases = {ref.provider: known.release(ref.provider) for ref in new}
        document.set_locked(lock_models(document.lockfile, known.facts, releases, refresh=new))


def _show(upgrades: Sequence[Upgrade]) -> None:
    for upgrade in upgrades:
        before, after = upgrade.prices, upgrade.successor_prices
        prices = ""
        if upgrade.successor is not None:
            prices = (
                f"; ${price_text(before.input)}/${price_text(before.output)} -> "
                f"${price_text(after.input)}/${price_text(after.output)} per million tokens"
            )
        print_line(f"{upgrade}{prices}")


def _plain(upgrade: Upgrade) -> dict[str, Any]:
    return {
        "profile": upgrade.profile,
        "alias": upgrade.alias,
        "model": str(upgrade.model),
        "reason": upgrade.reason,
        "successor": None if upgrade.successor is None else str(upgrade.successor),
        "why": upgrade.why,
    }
