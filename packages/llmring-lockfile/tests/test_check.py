from llmring_lockfile import Lockfile, Severity, check, parse
from llmring_types.exceptions import LockfileParseError

GOOD = """
extends.packages = ["my-tools"]
[[profiles.default.bindings]]
alias = "a"
models = ["openai:x"]
constraints.needs = ["vision"]
[[profiles.default.bindings]]
alias = "my_tools:t"
models = ["openai:x"]
[locked."openai:x"]
snapshot = "x"
"""
THEIRS = parse('[[profiles.default.bindings]]\nalias = "t"\nmodels = ["openai:x"]\n')


def packages(name: str) -> Lockfile | None:
    if name == "broken":
        raise LockfileParseError("site/llmring.lock:3: wrong")
    return THEIRS if name in ("my-tools", "others") else None


def found(text: str) -> list[tuple[str, str, str | None]]:
    """Rule, severity and first key of each finding."""
    findings = check(parse(text), packages=packages).findings
    return [(f.rule, f.severity.value, f.places[0].key) for f in findings]


def test_a_sound_lockfile_has_no_findings_and_its_aliases_are_listed() -> None:
    result = check(parse(GOOD), packages=packages)
    assert (result.findings, result.ok) == ((), True)
    assert result.packages == {"my-tools": ("t",)}
    assert result.aliases == {"default": ("a", "my_tools:t")}


def test_packages_that_are_missing_or_broken_are_errors() -> None:
    result = check(parse('extends.packages = ["gone", "broken"]'), packages=packages)
    assert not result.ok
    assert [(f.rule, f.message) for f in result.findings] == [
        ("package-missing", "gone is not installed or ships no llmring.lock"),
        ("package-broken", "broken: site/llmring.lock:3: wrong"),
    ]
    assert result.packages == {"gone": None, "broken": None}


def test_an_alias_of_several_packages_is_told_with_its_full_names() -> None:
    (finding,) = check(parse('extends.packages = ["my-tools", "others"]'), packages=packages).findings
    assert (finding.rule, finding.severity) == ("alias-shared", Severity.WARNING)
    assert "write my-tools:t, others:t" in finding.message


def test_bindings_that_cannot_work_as_meant_are_found() -> None:
    text = """
extends.packages = ["my-tools"]
[[profiles.default.bindings]]
alias = "openai:gpt"
models = ["openai:x"]
[[profiles.default.bindings]]
alias = "absent:t"
models = ["openai:x"]
[[profiles.default.bindings]]
alias = "my.tools:absent"
models = ["openai:x", "OpenAI:x"]
constraints.max_cost = 1
[[profiles.default.bindings]]
alias = "b"
models = ["opnai:x"]
constraints.colour = "red"
"""
    at = "profiles.default.bindings"
    assert found(text) == [
        ("alias-unreachable", "error", f"{at}[0].alias"),
        ("override-unused", "warning", f"{at}[1].alias"),
        ("override-unused", "warning", f"{at}[2].alias"),
        ("unknown-constraint", "warning", f"{at}[2].constraints"),
        ("unknown-constraint", "warning", f"{at}[3].constraints"),
        ("member-twice", "warning", f"{at}[2].models[1]"),
        ("provider-unknown", "warning", f"{at}[3].models[0]"),
    ]
    messages = [finding.message for finding in check(parse(text), packages=packages).findings]
    assert "did you mean max_cost_usd?" in messages[3]
    assert messages[4].endswith("the constraint colour means nothing")
    assert "did you mean openai?" in messages[6]


def test_other_providers_may_be_named() -> None:
    lockfile = parse('[[profiles.default.bindings]]\nalias = "a"\nmodels = ["acme:x"]')
    assert "mistral, moonshot, " in check(lockfile).findings[0].message
    assert check(lockfile, providers={"acme"}).findings == ()


def test_a_lock_that_is_not_of_all_models_or_of_more_is_found() -> None:
    text = GOOD.replace('[locked."openai:x"]', '[locked."openai:y"]')
    assert found(text) == [
        ("not-locked", "warning", "profiles.default.bindings[0].models[0]"),
        ("unused-lock", "note", 'locked."openai:y"'),
    ]
    assert len(check(parse(text), packages=packages).findings[0].places) == 2


def test_without_any_lock_nothing_is_said_of_it() -> None:
    assert found(GOOD[: GOOD.index("[locked")]) == []
