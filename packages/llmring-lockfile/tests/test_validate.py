from datetime import date

import pytest
from llmring_lockfile import parse, validate
from llmring_types import ModelFacts, ModelRef
from llmring_types.exceptions import RegistryConnectionError

TODAY = date(2026, 11, 22)
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
