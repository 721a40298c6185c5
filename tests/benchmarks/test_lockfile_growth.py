"""Lockfiles of any size: four times the size takes at most five times the time."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from llmring_lockfile import (
    Document,
    Finding,
    Lockfile,
    Place,
    Severity,
    Upgrade,
    apply_upgrades,
    check,
    create_lockfile,
    diff,
    editing,
    parse,
    propose_upgrades,
    require_aliases,
    scan,
    validate,
    with_lines,
)
from llmring_types import ModelFacts, ModelRef

SMALL, LARGE = 400, 1600
MOST = 5.0
ATTEMPTS = 12
"""One of them must be quiet enough to see the real growth: work that grows with the square takes 16 times the time."""


def text_of(size: int, model: str = "m") -> str:
    bindings = "".join(
        f'[[profiles.default.bindings]]\nalias = "alias-{n}"\nmodels = ["openai:{model}-{n}", "google:{model}-{n}"]\n\n'
        for n in range(size)
    )
    locked = "".join(f'[locked."openai:{model}-{n}"]\ncontext_window = {n + 1}\n\n' for n in range(size))
    return f'version = "1.0"\n\n{bindings}{locked}'


def lockfile_of(size: int, model: str = "m") -> Lockfile:
    return parse(text_of(size, model))


def binding(size: int, folder: Path) -> Callable[[], object]:
    path = folder / "llmring.lock"
    create_lockfile(path, force=True)

    def bind_all() -> None:
        with editing(path) as document:
            for n in range(size):
                document.bind(f"alias-{n}", ["openai:gpt-4o", "anthropic:claude-haiku-4-5"])

    return bind_all


def unbinding(size: int, _: Path) -> Callable[[], object]:
    document = Document(text_of(size))

    def unbind_all() -> None:
        for n in range(size):
            document.unbind(f"alias-{n}")
        assert document.changed

    return unbind_all


def changing_every_other(size: int, _: Path) -> Callable[[], object]:
    document = Document(text_of(size))

    def change() -> None:
        for n in range(0, size, 2):
            document.bind(f"alias-{n}", "openai:other")
        assert document.changed

    return change


def locking(size: int, _: Path) -> Callable[[], object]:
    document = Document("")
    locked = lockfile_of(size).locked

    def lock() -> None:
        document.set_locked(locked)
        assert document.changed

    return lock


def a_pool_of_many_lines(size: int, _: Path) -> Callable[[], object]:
    pool = [f"openai:m-{n}" for n in range(size * 4)]
    text = 'profiles.default.bindings = [\n{ alias = "a", models = [\n' + "".join(
        f'  "{model}", # about {model}\n' for model in pool
    )
    document = Document(text + "] }]\n")

    def turn_it_round() -> None:
        document.bind("a", pool[::-1])
        assert document.text.count("# about") == len(pool)

    return turn_it_round


def comparing(size: int, _: Path) -> Callable[[], object]:
    old, new = lockfile_of(size, "old"), lockfile_of(size, "new")
    return lambda: diff(old, new)


def reviewing(size: int, _: Path) -> Callable[[], object]:
    lockfile = lockfile_of(size)
    return lambda: (check(lockfile), validate(lockfile, lambda _: None, today=date(2026, 1, 1)))


def upgrading(size: int, _: Path) -> Callable[[], object]:
    document = Document(text_of(size))
    upgrades = [
        Upgrade(
            profile="default",
            alias=f"alias-{n}",
            model=ModelRef("openai", f"m-{n}"),
            reason="retired",
            successor=ModelRef("openai", "new"),
            why="",
        )
        for n in range(size)
    ]
    catalog = [ModelFacts(provider="openai", model=f"m-{n}") for n in range(10)]

    def propose_and_apply() -> None:
        propose_upgrades(document.lockfile, catalog, today=date(2026, 1, 1))
        apply_upgrades(document, upgrades)
        assert document.changed

    return propose_and_apply


def finding_lines(size: int, _: Path) -> Callable[[], object]:
    text = text_of(size)
    findings = [
        Finding(
            rule="retired",
            severity=Severity.ERROR,
            message="",
            places=(Place(path=("profiles", "default", "bindings", n, "models", 0)),),
        )
        for n in range(size)
    ]
    return lambda: with_lines(findings, text)


def scanning(size: int, _: Path) -> Callable[[], object]:
    lockfile = lockfile_of(size)
    code = "".join(f'LLMRequest(messages, "alias-{n}")\n' for n in range(size))

    def scan_and_require() -> None:
        assert not scan(lockfile, [(Path("app.py"), code)]).missing
        require_aliases(lockfile, [f"alias-{n}" for n in range(size)])

    return scan_and_require


@pytest.mark.parametrize(
    "work",
    [
        binding,
        unbinding,
        changing_every_other,
        locking,
        a_pool_of_many_lines,
        comparing,
        reviewing,
        upgrading,
        finding_lines,
        scanning,
    ],
)
def test_four_times_the_size_takes_at_most_five_times_the_time(
    work: Callable[[int, Path], Callable[[], object]], tmp_path: Path
) -> None:
    ratios = []
    for _ in range(ATTEMPTS):
        small, large = (seconds(work(size, tmp_path)) for size in (SMALL, LARGE))
        ratios.append(large / small)
        if ratios[-1] <= MOST:
            return
    raise AssertionError(f"{work.__name__}: {ratios} times the time")


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start
