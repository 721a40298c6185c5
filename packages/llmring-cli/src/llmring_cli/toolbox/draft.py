"""The draft of a lockfile: changes that are not written yet, and the tools that read it, edit it and compare models."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from llmring import ModelRef, Usage, provider_status
from llmring.pricing import price
from llmring.registry import PROVIDERS, Registry
from llmring.suggest import Wish, near_misses, suggest_models
from llmring_lockfile import DEFAULT_PROFILES, Constraints, Document, Lockfile, Profile, editing, emit
from llmring_lockfile import validate as validate_lockfile

from llmring_cli._lockfiles import read_lockfile, shown
from llmring_cli._models import facts_json, ready_providers, require_provider
from llmring_cli._parameters import today
from llmring_cli.toolbox import arguments as args
from llmring_cli.toolbox.arguments import CompareCosts

Edit = Callable[[Document], None]


class Draft:
    """Collects edits, shows their combined effect, and writes them on request.

    Args:
        path: the lockfile; it need not exist, and is then made when the draft is saved.

    Raises:
        CommandError: there is a file that cannot be read or is not a lockfile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._edits: list[Edit] = []
        self._document = self._read()

    @property
    def exists(self) -> bool:
        """True if the file exists."""
        return self.path.exists()

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile with the changes."""
        return self._document.lockfile

    def edit(self, edit: Edit) -> str:
        """Apply a change to the draft and return it as a unified diff; empty if nothing changed.

        Raises:
            LLMRingError: the change cannot be made; the draft is as it was.
        """
        step = Document(self._document.text, shown(self.path))
        edit(step)
        edit(self._document)
        if step.changed:
            self._edits.append(edit)
        return step.diff()

    def diff(self) -> str:
        """Return all changes as a unified diff."""
        return self._document.diff()

    def discard(self) -> None:
        """Drop the changes and read the file again."""
        self._edits.clear()
        self._document = self._read()

    def save(self) -> None:
        """Write the changes into the file as it is now.

        Raises:
            LockfileWriteError: it cannot be written; the draft stays.
        """
        with editing(self.path, create=True) as document:
            for edit in self._edits:
                edit(document)
        self.discard()

    def _read(self) -> Document:
        if self.path.exists():
            return Document(read_lockfile(self.path).text, shown(self.path))
        empty = Lockfile(profiles={name: Profile(name) for name in DEFAULT_PROFILES})
        return Document(emit(empty), shown(self.path))


class Edits:
    """Changes, each answered with what it changed.

    Args:
        draft: the lockfile.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    def bind(self, wanted: args.BindAlias) -> dict[str, Any]:
        constraints = Constraints(
            needs=tuple(wanted.needs),
            min_context=wanted.min_context,
            max_cost_usd=args.dollars(wanted.max_cost_usd),
            timeout_s=wanted.timeout_s,
        )
        return self._changed(
            lambda document: document.bind(
                wanted.alias, wanted.models, profile=wanted.profile, constraints=constraints or None
            )
        )

    def unbind(self, wanted: args.UnbindAlias) -> dict[str, Any]:
        return self._changed(lambda document: document.unbind(wanted.alias, profile=wanted.profile))

    def set_default_profile(self, wanted: args.NamedProfile) -> dict[str, Any]:
        return self._changed(lambda document: document.set_default_profile(wanted.profile))

    def _changed(self, edit: Edit) -> dict[str, Any]:
        return {"written": False, "diff": self._draft.edit(edit)}

    def discard(self, _: args.Nothing) -> dict[str, Any]:
        self._draft.discard()
        return {"diff": ""}

    def save(self, _: args.Nothing) -> dict[str, Any]:
        diff = self._draft.diff()
        self._draft.save()
        return {"written": bool(diff), "lockfile": str(self._draft.path), "diff": diff}


class Questions:
    """Answers, as values for JSON.

    Args:
        draft: the lockfile with the changes made so far.
        registry: what is known of models.
    """

    def __init__(self, draft: Draft, registry: Registry) -> None:
        self._draft = draft
        self._registry = registry

    def configuration(self, _: args.Nothing) -> dict[str, Any]:
        lockfile = self._draft.lockfile
        return {
            "lockfile": str(self._draft.path),
            "exists": self._draft.exists,
            "default_profile": lockfile.default_profile,
            "profiles": list(lockfile.profiles),
            "extends": lockfile.extends,
            "providers": provider_status(in_use=True),
        }

    def aliases(self, wanted: args.InProfile) -> dict[str, Any]:
        profile = self._draft.lockfile.profile(wanted.profile)
        return {
            "profile": profile.name,
            "aliases": {binding.alias: list(map(str, binding.models)) for binding in profile.bindings},
        }

    def list_models(self, wanted: args.ListModels) -> list[dict[str, Any]]:
        names = PROVIDERS if wanted.provider is None else (require_provider(wanted.provider),)
        return [
            {
                "model": f"{facts.provider}:{facts.model}",
                "context_window": facts.context_window,
                "input_price": _number(facts.prices.input),
                "output_price": _number(facts.prices.output),
            }
            for name in names
            for facts in self._registry.models(name)
            if wanted.include_retired or facts.active is not False
        ]

    def find(self, wanted: args.FindModels) -> dict[str, Any]:
        wish = Wish(
            needs=tuple(wanted.needs),
            min_context=wanted.min_context,
            min_output=wanted.min_output,
            max_input_price=args.dollars(wanted.max_input_price),
            max_output_price=args.dollars(wanted.max_output_price),
        )
        names = [require_provider(name) for name in wanted.providers] or PROVIDERS
        models = [facts for name in names for facts in self._registry.models(name)]
        found = suggest_models(wish, models, prefer=wanted.prefer)[: wanted.limit]
        near = [] if found else near_misses(wish, models)[: wanted.limit]
        return {
            "models": [{**facts_json(one.facts), "reason": one.reason} for one in found],
            "near_misses": [{"model": str(one.ref), "reason": one.reason} for one in near],
        }

    def details(self, wanted: args.NamedModels) -> list[dict[str, Any]]:
        return [self._assess(ModelRef.parse(name)) for name in wanted.models]

    def _assess(self, ref: ModelRef) -> dict[str, Any]:
        facts = self._registry.facts(ref.provider, ref.model)
        against = []
        if ref.provider not in ready_providers():
            against.append(f"the provider {ref.provider} cannot be used here: no key is set")
        if facts is None:
            return {"model": str(ref), "known": False, "against": [*against, "the registry does not know it"]}
        if facts.active is False:
            against.append("it is retired")
        elif facts.retires_on is not None:
            against.append(f"it retires on {facts.retires_on}")
        return {**facts_json(facts), "known": True, "against": against}

    def validate(self, _: args.Nothing) -> dict[str, Any]:
        result = validate_lockfile(
            self._draft.lockfile, lambda ref: self._registry.published(ref.provider, ref.model), today=today()
        )
        return {"status": result.status, "findings": [finding.as_dict() for finding in result.findings]}

    def changes(self, _: args.Nothing) -> dict[str, Any]:
        return {"diff": self._draft.diff()}


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def compare_costs(registry: Registry, load: CompareCosts) -> list[dict[str, Any]]:
    """Return the cost of each model in US dollars, cheapest first; ``None`` where it cannot be known, with why."""
    rows = [_row(registry, ModelRef.parse(name), load) for name in load.models]
    return sorted(rows, key=lambda row: (row["total_usd"] is None, row["total_usd"] or 0.0))


def _row(registry: Registry, ref: ModelRef, load: CompareCosts) -> dict[str, Any]:
    usage: Usage = {"prompt_tokens": load.input_tokens, "completion_tokens": load.output_tokens}
    cost = price(usage, registry.facts(ref.provider, ref.model))
    each = None if cost.total is None else float(cost.total)
    return {
        "model": str(ref),
        "per_call_usd": each,
        "total_usd": None if cost.total is None else float(cost.total * load.calls),
        "status": cost.status,
    }
