from datetime import date
from decimal import Decimal

import pytest
from llmring_lockfile import LockedModel, audit, parse, validate, with_lines
from llmring_lockfile._lock import locked_model
from llmring_types import ModelFacts, ModelRef, Prices
from llmring_types.exceptions import RegistryConnectionError
from msgspec.structs import replace

TODAY = date(2026, 11, 22)
TEXT = """\
[[profiles.default.bindings]]
alias = "a"
models = ["openai:x"]

[[profiles.dev.bindings]]
alias = "b"
models = ["openai:x"]
"""
NOW = ModelFacts(
    provider="openai",
    model="x-1",
    context_window=1000,
    max_output_tokens=100,
    tools=True,
    vision=True,
    prices=Prices(input=Decimal("2.5"), output=Decimal(10), cache_read=Decimal(0)),
    active=True,
)
LOCKED = locked_model(NOW)


def found(facts: ModelFacts | None, locked: LockedModel | None = LOCKED) -> list[str]:
    lockfile = replace(parse(TEXT), locked={} if locked is None else {"openai:x": locked})
    return [str(finding) for finding in audit(lockfile, lambda _: facts, today=TODAY)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"active": False}, ["error: openai:x is retired; try: llmring lock upgrade [retired]"]),
        ({"retires_on": date(2026, 11, 22)}, ["error: openai:x is retired since 2026-11-22; try: llmring lock upgrade [retired]"]),
        ({"retires_on": date(2027, 2, 20)}, ["warning: openai:x retires in 90 days, on 2027-02-20 [retiring]"]),
        ({"retires_on": date(2027, 2, 21)}, []),
        ({"model": "x-2"}, ["warning: openai:x stood for x-1 and now for x-2 [snapshot-moved]"]),
        ({"context_window": 999}, ["warning: openai:x has a context window of 999 tokens, had 1,000 [limit-down]"]),
        ({"max_output_tokens": 10}, ["warning: openai:x has a max output tokens of 10 tokens, had 100 [limit-down]"]),
        ({"context_window": None, "max_output_tokens": 200}, []),
        ({"tools": False}, ["error: openai:x no longer has the capability tools [capability-lost]"]),
        ({"tools": None}, ["note: openai:x is no longer known to have the capability tools [capability-lost]"]),
        ({"audio": True}, []),
        ({"prices": Prices(input=Decimal(3), output=Decimal(9))}, ["warning: openai:x costs $3 per million tokens (input), was $2.5, +20% [price-up]"]),
        ({"prices": Prices(cache_read=Decimal("0.1"))}, ["warning: openai:x costs $0.1 per million tokens (cache read), was $0 [price-up]"]),
    ],
)  # fmt: skip
def test_what_became_worse_since_the_lock_is_found(change: dict[str, object], expected: list[str]) -> None:
    assert found(replace(NOW, **change)) == expected


def test_a_model_that_is_gone_is_an_error_unless_it_was_never_listed() -> None:
    assert found(None) == ["error: openai:x is not in the registry any more [unknown-model]"]
    assert found(None, LockedModel(listed=False)) == []
    assert found(NOW, LockedModel(listed=False)) == []


def test_nothing_is_said_of_a_model_of_a_provider_that_no_registry_lists() -> None:
    lockfile = parse(TEXT.replace("openai:x", "sim:demo"))
    assert audit(lockfile, lambda _: None, today=TODAY) == ()


def test_a_model_that_was_never_locked_and_is_not_listed_was_not_there_before() -> None:
    told = found(None, None)
    assert told[-1] == "error: openai:x is not in the registry [unknown-model]"


def test_of_a_model_that_was_never_locked_only_retirement_is_told() -> None:
    told = found(replace(NOW, active=False, model="y"), None)
    assert [line.rpartition(" ")[2] for line in told] == ["[not-locked]", "[retired]"]


def test_one_finding_has_every_place_of_the_model_and_its_line() -> None:
    lockfile = replace(parse(TEXT), locked={"openai:x": LOCKED})
    findings = audit(lockfile, lambda _: replace(NOW, active=False), today=TODAY)
    (finding,) = with_lines(findings, TEXT)
    assert [(p.profile, p.alias, p.key, p.line) for p in finding.places] == [
        ("default", "a", "profiles.default.bindings[0].models[0]", 3),
        ("dev", "b", "profiles.dev.bindings[0].models[0]", 7),
    ]
    assert finding.as_dict()["places"][1] == {
        "key": "profiles.dev.bindings[0].models[0]",
        "profile": "dev",
        "alias": "b",
        "line": 7,
    }


def test_how_far_ahead_to_look_is_an_argument() -> None:
    facts = replace(NOW, retires_on=date(2026, 12, 22))
    lockfile = replace(parse(TEXT), locked={"openai:x": LOCKED})
    assert audit(lockfile, lambda _: facts, today=TODAY, within_days=29) == ()
    assert len(audit(lockfile, lambda _: facts, today=TODAY, within_days=30)) == 1


def test_an_unreachable_registry_is_a_finding() -> None:
    def facts(_: ModelRef) -> ModelFacts | None:
        raise RegistryConnectionError("no network")

    assert [f.rule for f in audit(parse(TEXT), facts, today=TODAY)] == ["registry-unreachable"]


FACTS = {
    ModelRef("openai", "good"): ModelFacts(provider="openai", model="good", vision=True, active=True),
    ModelRef("openai", "blind"): ModelFacts(provider="openai", model="blind", vision=False),
    ModelRef("openai", "vague"): ModelFacts(provider="openai", model="vague"),
    ModelRef("openai", "off"): ModelFacts(provider="openai", model="off", vision=True, active=False),
    ModelRef("openai", "past"): ModelFacts(provider="openai", model="past", vision=True, retires_on=TODAY),
}


def facts(model: ModelRef) -> ModelFacts | None:
    if model.provider == "google":
        raise RegistryConnectionError("no network")
    return FACTS.get(model)


def lockfile_text(*models: str) -> str:
    pool = ", ".join(f'"{model}"' for model in models)
    return f'[[profiles.default.bindings]]\nalias = "a"\nmodels = [{pool}]\nconstraints.needs = ["vision"]\n'


@pytest.mark.parametrize(
    ("models", "status", "rules"),
    [
        (["openai:good"], "valid", []),
        (["openai:good", "openai:absent"], "invalid", [("unknown-model", "error")]),
        (["openai:good", "openai:blind"], "invalid", [("need-unmet", "error")]),
        (["openai:good", "openai:vague"], "invalid", [("need-unproved", "error")]),
        (["openai:off"], "invalid", [("retired", "error")]),
        (["openai:past"], "invalid", [("retired", "error")]),
        (["ollama:llama3:8b"], "valid", [("unlisted-model", "note"), ("need-unproved", "warning")]),
        (["openai:good", "google:g", "google:h"], "unreachable", [("registry-unreachable", "error")]),
        (["openai:absent", "google:g"], "invalid", [("unknown-model", "error"), ("registry-unreachable", "error")]),
    ],
)  # fmt: skip
def test_every_member_must_exist_and_meet_the_needs(
    models: list[str], status: str, rules: list[tuple[str, str]]
) -> None:
    result = validate(parse(lockfile_text(*models)), facts, today=TODAY)
    assert (result.status, result.checked) == (status, len(models))
    assert [(f.rule, f.severity.value) for f in result.findings] == rules
    assert {f.model for f in result.findings if f.rule != "registry-unreachable"} <= {*models}


def test_of_an_unreachable_registry_each_place_is_told_and_each_provider_asked_once() -> None:
    asked = []

    def none(model: ModelRef) -> ModelFacts | None:
        asked.append(model)
        raise RegistryConnectionError("no network")

    result = validate(parse(lockfile_text("openai:a", "openai:b")), none, today=TODAY)
    assert (result.unreachable, len(asked)) == (("openai",), 1)
    (finding,) = result.findings
    assert [place.key for place in finding.places] == [
        "profiles.default.bindings[0].models[0]",
        "profiles.default.bindings[0].models[1]",
    ]
    assert "no network" in finding.message


def test_a_finding_names_the_alias_the_profile_the_model_and_the_need() -> None:
    (finding,) = validate(parse(lockfile_text("openai:blind")), facts, today=TODAY).findings
    assert str(finding) == (
        "error: a in profile default, openai:blind: needs vision, which it lacks [need-unmet]"
    )


def test_which_providers_no_registry_lists_is_an_argument() -> None:
    lockfile = parse(lockfile_text("house:x"))
    assert validate(lockfile, facts, today=TODAY).status == "invalid"
    assert validate(lockfile, facts, today=TODAY, unlisted={"house"}).status == "valid"


INDEX = """\
[[profiles.default.bindings]]
alias = "docs"
models = [{models}]
constraints = {{ dimensions = 256 }}
"""


def of_index(models: str, facts: ModelFacts | None, **snapshots: str) -> list[str]:
    lockfile = parse(INDEX.format(models=models))
    locked = {f"{name}:x": replace(LOCKED, snapshot=snapshot) for name, snapshot in snapshots.items()}
    return [
        str(finding)
        for finding in audit(
            replace(lockfile, locked=locked), lambda ref: facts and replace(facts, model="x-1"), today=TODAY
        )
    ]


def test_an_embedding_model_that_became_another_is_an_error_that_names_the_index() -> None:
    assert of_index('"openai:x"', NOW, openai="x-1") == []
    (found_,) = of_index('"openai:x"', NOW, openai="x-0")
    assert found_.startswith("error: openai:x stood for x-0 and now for x-1: its vectors cannot be compared")
    assert (
        "in the index of docs; name x-0 in the pool, or embed everything anew [embedding-changed]" in found_
    )


def test_a_member_whose_vectors_are_others_is_told_apart_from_another_host_of_the_same_model() -> None:
    two = '"openai:x", "router:x"'
    mixed = [each for each in of_index(two, NOW, openai="x-1", router="y-1") if "embedding-mixed" in each]
    assert len(mixed) == 1
    assert mixed[0].startswith(
        "warning: router:x is never asked for embeddings: it and openai:x are different models"
    )
    unlocked = [each for each in of_index(two, NOW, openai="x-1") if "embedding-mixed" in each]
    assert "are not both locked" in unlocked[0]
    same = of_index(two, NOW, openai="x-1", router="openai/X-1")
    assert not [each for each in same if "embedding-mixed" in each]
