"""What holds for every lockfile and every edit."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile import (
    NEEDS,
    Binding,
    Constraints,
    Document,
    LockedModel,
    Lockfile,
    Profile,
    digest,
    emit,
    parse,
)
from llmring_lockfile._toml import is_blank, scan, split_lines
from llmring_types import ModelRef, Prices
from msgspec.structs import replace

enough = settings(max_examples=30, deadline=None)  # a busy machine is not a failure

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
words = texts.map(str.strip).filter(bool)
aliases = st.one_of(st.sampled_from(["a", "b", "c", "pkg:a"]), words)
models = st.builds(
    ModelRef, st.sampled_from(["openai", "ollama", "x-y.z"]), st.sampled_from(["gpt-4o", "llama3:8b", 'é "#'])
)
pools = st.lists(models, min_size=1, max_size=4).map(tuple)
money = st.decimals(min_value="0.000001", max_value=1000, places=6)
counts = st.integers(1, 10**7)
json_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(texts, inner, max_size=2)),
    max_leaves=4,
)  # fmt: skip
constraints = st.builds(
    Constraints,
    needs=st.lists(st.sampled_from(NEEDS), unique=True, max_size=3).map(tuple),
    min_context=st.none() | counts,
    max_cost_usd=st.none() | money,
    budget_usd=st.none() | money,
    timeout_s=st.none() | st.floats(0.001, 1000),
    other=st.dictionaries(st.just("region"), texts, max_size=1),
)
bindings = st.lists(st.builds(Binding, aliases, pools, constraints), max_size=4, unique_by=lambda b: b.alias)
profiles = st.dictionaries(words, st.tuples(bindings, st.dictionaries(words, counts, max_size=2)), max_size=2)
locked = st.builds(
    LockedModel,
    listed=st.booleans(),
    snapshot=st.none() | texts,
    context_window=st.none() | counts,
    capabilities=st.lists(st.sampled_from(["tools", "vision"]), unique=True).map(tuple),
    prices=st.builds(Prices, input=st.none() | money, output=st.none() | money, source=st.none() | texts),
    retires_on=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    registry_version=st.none() | counts,
)


@st.composite
def lockfiles(draw: st.DrawFn) -> Lockfile:
    tables = {"default": draw(st.tuples(bindings, st.just({"openai": 3}))), **draw(profiles)}
    return Lockfile(
        created_at=draw(st.none() | texts),
        updated_at=draw(st.none() | texts),
        default_profile=draw(st.sampled_from(sorted(tables))),
        metadata=draw(st.dictionaries(texts, json_values, max_size=2)),
        extends=draw(st.lists(st.sampled_from(["my-tools", "a.b"]), unique=True).map(tuple)),
        profiles={name: Profile(name, tuple(rows), pins) for name, (rows, pins) in tables.items()},
        locked=draw(st.dictionaries(models.map(str), locked, max_size=3)),
    )


@pytest.mark.parametrize("path", ["llmring.lock", "llmring.json"])
@enough
@given(lockfile=lockfiles())
def test_what_is_emitted_is_parsed_to_the_same(path: str, lockfile: Lockfile) -> None:
    text = emit(lockfile, as_json=path.endswith("json"))
    parsed = parse(text, path)
    assert parsed == replace(lockfile, path=parsed.path)
    assert digest(parsed) == digest(lockfile)


@enough
@given(lockfiles(), st.randoms(use_true_random=False), st.datetimes())
def test_a_digest_does_not_see_times_and_order_but_content(
    lockfile: Lockfile, random: Random, stamp: datetime
) -> None:
    def shuffled(profile: Profile) -> Profile:
        rows = list(profile.bindings)
        random.shuffle(rows)
        return Profile(profile.name, tuple(rows), profile.registry_versions)

    same = replace(
        lockfile,
        updated_at=stamp.isoformat(),
        created_at=None,
        profiles={name: shuffled(lockfile.profiles[name]) for name in reversed(list(lockfile.profiles))},
    )
    assert digest(same) == digest(lockfile)
    assert digest(replace(lockfile, metadata={**lockfile.metadata, "new": 1})) != digest(lockfile)


@st.composite
def written_by_hand(draw: st.DrawFn) -> str:
    """A lockfile with comments and blank lines wherever they may stand, and indented statements."""
    lines = split_lines(emit(draw(lockfiles())))
    starts = {statement.start for statement in scan(lines)}
    end = draw(st.sampled_from(["\n", "\r\n"]))
    out: list[str] = []
    for place, line in enumerate(lines):
        if place in starts:
            out += draw(
                st.lists(st.sampled_from(["", f"# comment {place}", f"  # indented {place}"]), max_size=2)
            )
            out.append(
                draw(st.sampled_from(["", "", "  "]))
                + line.rstrip("\n")
                + draw(st.sampled_from(["", "", " # c"]))
            )
        else:
            out.append(line.rstrip("\n"))
    return end.join(out) + draw(st.sampled_from(["", end, end + end]))  # fmt: skip


@enough
@given(written_by_hand(), aliases, pools, st.sampled_from(["default", "new"]), st.none() | constraints)
def test_binding_touches_only_the_lines_of_the_binding(
    text: str, alias: str, pool: tuple[ModelRef, ...], profile: str, wanted: Constraints | None
) -> None:
    document = Document(text, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    before = document.lockfile
    document.bind(alias, pool, profile=profile, constraints=wanted)
    assert_others_stay(text, document, alias, profile, spared_comments=True)
    found = document.lockfile.profile(profile).binding(alias)
    assert found is not None
    assert found.models == tuple(dict.fromkeys(pool))
    if wanted is not None:
        assert demands(found.constraints) == demands(wanted)
    assert without(document.lockfile, alias, profile) == without(before, alias, profile)
    assert Document(document.text).lockfile == document.lockfile


@enough
@given(written_by_hand(), st.data())
def test_unbinding_touches_only_the_lines_of_the_binding(text: str, data: st.DataObject) -> None:
    document = Document(text, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    before = document.lockfile
    alias = data.draw(st.sampled_from([*before.profile("default").aliases, "absent"]))
    document.unbind(alias, profile="default")
    assert_others_stay(text, document, alias, "default", spared_comments=False)
    assert document.lockfile.profile("default").binding(alias) is None
    assert without(document.lockfile, alias, "default") == without(before, alias, "default")
    assert Document(document.text).lockfile == document.lockfile


def assert_others_stay(
    text: str, document: Document, alias: str, profile: str, *, spared_comments: bool
) -> None:
    """Every line that is not the binding's own is still there, in order and to the byte."""
    row = next(
        (i for i, b in enumerate(Document(text).lockfile.profiles.get(profile, Profile("")).bindings) if b.alias == alias),
        None,
    )  # fmt: skip
    lines = split_lines(text)
    own = {statement.start for statement in scan(lines) if statement.path == ("updated_at",)}
    for statement in scan(lines):
        if statement.path[:4] == ("profiles", profile, "bindings", row):
            own.update(range(statement.start, statement.end))
            above = statement.start - 1
            while not spared_comments and statement.kind != "key" and lines[above].lstrip().startswith("#"):
                own.add(above)
                above -= 1
            if not spared_comments:
                own.update(comments_inside(lines, statement.end))
    after = iter([line.rstrip("\r\n") for line in split_lines(document.text)])
    for place, line in enumerate(lines):
        if place not in own and not is_blank(line):
            assert line.rstrip("\r\n") in after, f"line {place} is gone: {line!r}\n{document.text}"


def comments_inside(lines: list[str], start: int) -> set[int]:
    """Comments after a statement: those before another statement of the same binding go with it."""
    end = start
    while end < len(lines) and (is_blank(lines[end]) or lines[end].lstrip().startswith("#")):
        end += 1
    return set(range(start, end))


def without(lockfile: Lockfile, alias: str, profile: str) -> dict[str, tuple[Binding, ...]]:
    return {
        name: tuple(b for b in table.bindings if (name, b.alias) != (profile, alias))
        for name, table in lockfile.profiles.items()
        if table.bindings or name != profile
    } | {profile: tuple(b for b in lockfile.profiles.get(profile, Profile("")).bindings if b.alias != alias)}


def demands(found: Constraints) -> tuple[object, ...]:
    return (found.needs, found.min_context, found.max_cost_usd, found.budget_usd, found.timeout_s)


EDITS: list[Callable[[Document], None]] = [
    lambda doc: doc.create_profile("new"),
    lambda doc: doc.set_registry_versions({"openai": 9, "a b": 1}, profile="default"),
    lambda doc: doc.set_registry_versions({"openai": 9}, profile="new"),
    lambda doc: doc.set_extends(["new"]),
    lambda doc: doc.set_locked({}),
    lambda doc: doc.set_locked(
        {
            "openai:gpt-4o": LockedModel(snapshot="x", prices=Prices(input=Decimal("2.5"))),
            "a:b": LockedModel(),
            "z:z": LockedModel(listed=False),
        }
    ),
]


@enough
@given(written_by_hand(), st.lists(st.sampled_from(EDITS), min_size=1, max_size=3))
def test_other_edits_can_always_be_made_and_made_again_without_change(
    text: str, edits: list[Callable[[Document], None]]
) -> None:
    document = Document(text)
    for edit in edits:
        edit(document)
    assert parse(document.text) == document.lockfile
    again = Document(document.text)
    edits[-1](again)
    assert not again.changed
