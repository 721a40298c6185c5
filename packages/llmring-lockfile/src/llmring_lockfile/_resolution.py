"""Results of resolution, as values."""

from pathlib import Path
from typing import Literal

import msgspec
from llmring_types import ModelRef
from llmring_types.exceptions import LockfileError

from llmring_lockfile._constraints import NO_CONSTRAINTS, Constraints
from llmring_lockfile._model import Binding


class Step(msgspec.Struct, frozen=True):
    """One step of a resolution: what was looked at, what came of it, and in which file."""

    question: str
    answer: str
    path: Path | None = None

    def __str__(self) -> str:
        where = "" if self.path is None else f" ({self.path})"
        return f"{self.question}: {self.answer}{where}"


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """The models that a name stands for.

    Attributes:
        name: as asked.
        models: the models to try, best first, each once. Never empty, and never one outside the pool.
        source: ``reference`` for a direct ``provider:model``, ``binding`` for an alias of the lockfile, ``override``
            for its binding of ``package:alias``, ``package`` for the package's own.
        binding: the binding; ``None`` for a direct reference.
        profile: where the binding is; ``None`` for a direct reference.
        path: the lockfile that the binding is in.
        steps: how it was found.
    """

    name: str
    models: tuple[ModelRef, ...]
    source: Literal["reference", "binding", "override", "package"]
    binding: Binding | None = None
    profile: str | None = None
    path: Path | None = None
    steps: tuple[Step, ...] = ()

    @property
    def constraints(self) -> Constraints:
        """The demands of the binding; none for a direct reference."""
        return NO_CONSTRAINTS if self.binding is None else self.binding.constraints

    @property
    def is_alias(self) -> bool:
        return self.binding is not None


class Explanation(msgspec.Struct, frozen=True):
    """The steps of a resolution, up to its end or its failure.

    Attributes:
        name: as asked.
        steps: in order, with the file of each.
        resolution: the answer; ``None`` when there is none.
        error: why there is none.
    """

    name: str
    steps: tuple[Step, ...]
    resolution: Resolution | None = None
    error: LockfileError | None = None

    def __str__(self) -> str:
        lines = [str(step) for step in self.steps]
        return "\n".join(lines if self.error is None else [*lines, f"error: {self.error}"])
