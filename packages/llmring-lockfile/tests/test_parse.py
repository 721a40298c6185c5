from decimal import Decimal
from pathlib import Path

import pytest
from llmring_lockfile import Binding, Constraints, LockedModel, Lockfile, Profile, emit, parse
from llmring_lockfile._names import KeyPath
from llmring_lockfile._problems import line_finder
from llmring_types import ModelRef, Prices
from llmring_types.exceptions import LockfileParseError, LockfileVersionError, ProfileNotFoundError

WHOLE = """\
version = "1.0"
created_at = 2026-01-02T03:04:05Z
updated_at = "2026-02-03"
default_profile = "dev"
unknown = true

[metadata]
team = "search"

[extends]
packages = ["my-tools", "other.sub"]

[profiles.dev]
name = "dev"
registry_versions = { openai = 7 }

[[profiles.dev.bindings]]
alias = "fast"
models = ["OpenAI:gpt-4o-mini", "ollama:llama3:8b"]
constraints = { needs = ["vision", "tools"], min_context = 100000, max_cost_usd = 0.05, budget_usd = 20, timeout_s = 30, region = "eu" }

[locked."openai:gpt-4o-mini"]
snapshot = "gpt-4o-mini-2024-07-18"
capabilities = ["tools", "vision"]
prices.input = 0.15
prices.output = 1
"""


def test_every_part_of_a_lockfile_is_read() -> None:
    assert parse(WHOLE, "some/llmring.lock") == Lockfile(
        created_at="2026-01-02T03:04:05+00:00",
        updated_at="2026-02-03",
        default_profile="dev",
        metadata={"team": "search"},
        extends=("my-tools", "other.sub"),
        profiles={
            "dev": Profile(
                "dev",
                (
                    Binding(
                        "fast",
                        (ModelRef("openai", "gpt-4o-mini"), ModelRef("ollama", "llama3:8b")),
                        Constraints(
                            needs=("vision", "tools"),
                            min_context=100000,
                            max_cost_usd=Decimal("0.05"),
                            budget_usd=Decimal(20),
                            timeout_s=30.0,
                            other={"region": "eu"},
                        ),
                    ),
                ),
                {"openai": 7},
            )
        },
        locked={
            "openai:gpt-4o-mini": LockedModel(
                snapshot="gpt-4o-mini-2024-07-18",
                capabilities=("tools", "vision"),
                prices=Prices(input=Decimal("0.15"), output=Decimal(1)),
            )
        },
        path=Path("some/llmring.lock"),
    )


def test_an_empty_file_is_a_lockfile_that_binds_nothing() -> None:
    assert parse("") == Lockfile()


def test_a_byte_order_mark_is_no_part_of_the_file() -> None:
    assert parse('\ufeffversion = "1.0"') == Lockfile()


HEAD = 'version = "1.0"\n\n[profiles.default]\nname = "default"\n'
BIND = '[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "expected"),
    [
        ('version = "2.0"', 1, "version", "format version '1.0'"),
        ("version = 1.0", 1, "version", "as a string"),
        ('\ndefault_profile = "prod"\n[profiles.dev]\n', 2, "default_profile", "no [profiles.prod]"),
        ("created_at = 3", 1, "created_at", "expected a string, got an integer"),
        ("profiles = 3", 1, "profiles", "expected a table, got an integer"),
        ("[profiles]\ndefault = 'x'", 2, "profiles.default", "expected a table, got a string"),
        ("[extends]\npackages = 'x'", 2, "extends.packages", "expected `array`, got `str`"),
        ("[extends]\npackages = ['ok', '-no']", 2, "extends.packages[1]", "name of a package, got '-no'"),
        ("[extends]\npackages = ['no\\n']".replace("'", '"'), 2, "extends.packages[0]", "name of a package"),
        (HEAD + "bindings = 3", 5, "profiles.default.bindings", "expected an array of tables, got an integer"),
        (HEAD + "bindings = [3]", 5, "profiles.default.bindings[0]", "expected a table"),
        (HEAD + "registry_versions.openai = 'x'", 5, "profiles.default.registry_versions", "expected `int`"),
        (HEAD + BIND + "[[profiles.default.bindings]]\nmodels=['a:b']", 8, "profiles.default.bindings[1].alias", "name"),
        (HEAD + BIND + "\n\n" + BIND, 11, "profiles.default.bindings[1].alias", "the first is bindings[0]"),
        (HEAD + BIND.replace('"openai:x"', ""), 7, "profiles.default.bindings[0].models", "got an empty list"),
        (HEAD + BIND.replace('["openai:x"]', '"openai:x"'), 7, "profiles.default.bindings[0].models", "got a string"),
        (HEAD + BIND.replace('["openai:x"]', "[\n1,\n]"), 7, "profiles.default.bindings[0].models[0]", "an integer"),
        (HEAD + BIND.replace("openai:x", "gpt-4o"), 7, "profiles.default.bindings[0].models[0]", "provider:model"),
        (HEAD + BIND.replace("openai:x", "openai:"), 7, "profiles.default.bindings[0].models[0]", "provider:model"),
        (HEAD + BIND.replace('"a"', '""'), 6, "profiles.default.bindings[0].alias", "name of an alias, got ''"),
        (HEAD + BIND + "constraints = 1", 8, "profiles.default.bindings[0].constraints", "expected a table"),
        (
            HEAD + BIND + "[profiles.default.bindings.constraints]\nneeds = ['sight']",
            9,
            "profiles.default.bindings[0].constraints.needs[0]",
            "'sight'",
        ),
        (
            HEAD + BIND + "constraints.timeout_s = -1",
            8,
            "profiles.default.bindings[0].constraints",
            "timeout_s must be a finite number above 0",
        ),
        (HEAD + BIND + "constraints.max_cost_usd = nan", 8, "profiles.default.bindings[0].constraints", "finite"),
        (
            HEAD + '[locked."openai:x"]\ncontext_window = "big"',
            6,
            'locked."openai:x".context_window',
            "expected `int | null`, got `str`",
        ),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_key_and_what_was_expected(
    text: str, line: int | None, key: str, expected: str
) -> None:
    with pytest.raises(LockfileParseError) as caught:
        parse(text, "dir/llmring.lock")
    error = caught.value
    assert (error.path, error.key, error.line) == ("dir/llmring.lock", key, line)
    place = "dir/llmring.lock" if line is None else f"dir/llmring.lock:{line}"
    assert str(error).startswith(f"{place}: {key}: ")
    assert expected in str(error)
    assert isinstance(error, ValueError)


def test_a_version_from_the_future_has_a_class_of_its_own() -> None:
    with pytest.raises(LockfileVersionError, match="upgrade llmring-lockfile"):
        parse('version = "9.0"')


@pytest.mark.parametrize(("text", "path"), [("x = " + "[" * 9999, "x.lock"), ("[" * 99999, "x.json")])
def test_text_that_is_nested_too_deep_is_no_lockfile(text: str, path: str) -> None:
    with pytest.raises(LockfileParseError, match="this is not valid"):
        parse(text, path)


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ('version = "1.0"\n[profiles\n', "llmring.lock", 2),
        ('version = "1.0"\nx = [1,\n', "llmring.lock", 3),
        ('{\n"version": "1.0"\n"profiles": {}}', "llmring.lock.json", 3),
        ("[]", "llmring.lock.json", 1),
    ],
)
def test_text_that_is_no_toml_or_json_is_told_with_its_line(text: str, path: str, line: int) -> None:
    with pytest.raises(LockfileParseError) as caught:
        parse(text, path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_json_of_the_same_shape_gives_the_same_lockfile_and_nulls_are_absent() -> None:
    text = """{"version": "1.0", "created_at": null, "metadata": null, "extends": null,
        "profiles": {"default": {"name": "default", "registry_versions": null, "bindings": [
            {"alias": "a", "models": ["openai:x"], "constraints": null}]}}}"""
    assert parse(text, "x.json").profiles == parse(HEAD + BIND).profiles


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('{"profiles": {"default": {\n"bindings": [\n{"alias": "a",\n"models": []}]}}}', 4, "profiles.default.bindings[0].models"),
        ('{"profiles": {"default": {\n"bindings": [\n{"models": []}]}}}', 3, "profiles.default.bindings[0].alias"),
        ('{"x": [[], {"version": 1}],\n "version": "3"}', 2, "version"),
    ],
)  # fmt: skip
def test_an_error_in_json_names_its_line_too(text: str, line: int, key: str) -> None:
    with pytest.raises(LockfileParseError) as caught:
        parse(text, "llmring.lock.json")
    assert (caught.value.line, caught.value.key) == (line, key)


@pytest.mark.parametrize(
    ("path", "line"),
    [((), 1), (("a",), 2), (("a", 1, "b"), 3), (("a", "b"), 2), (("a", 7), 2), (("x", 0), 1)],
)
def test_a_path_in_json_has_a_line_or_the_nearest_one_around_it(path: KeyPath, line: int) -> None:
    assert line_finder('{\n"a": [1, {\n"b": 2}]}', as_json=True)(path) == line


@pytest.mark.parametrize(
    ("path", "text", "says"),
    [
        ("x.lock", "a = " + "[" * 5000 + "]" * 5000, "not valid TOML"),
        ("x.lock", "metadata.a = " + "[" * 70 + "]" * 70, "nested more than 64 levels"),
        ("x.lock", "metadata" + ".a" * 70 + " = 1", "nested more than 64 levels"),
        ("x.lock", "version = '1.0'\n[a" + " . 'b'" * 1_000_000 + "]", r"x\.lock:2: .*more than 500 dots"),
        ("x.json", "[" * 100_000, "not valid JSON"),
        ("x.json", '{"metadata": ' + "[" * 70 + "]" * 70 + "}", "nested more than 64 levels"),
        ("x.json", '{"metadata": {"a": "\\ud800"}}', "half of a surrogate pair"),
    ],
)
def test_what_is_nested_too_deep_or_fits_no_file_is_told(path: str, text: str, says: str) -> None:
    with pytest.raises(LockfileParseError, match=says):
        parse(text, path)


def test_many_dots_that_are_no_key_are_fine() -> None:
    text = f'metadata.a = "{"a." * 600}"  # {"." * 600}\nmetadata.b = [{"1.5, " * 600}]\n'
    assert parse(text).metadata["a"] == "a." * 600


def test_a_whole_surrogate_pair_is_one_character() -> None:
    assert parse('{"metadata": {"a": "\\ud83d\\ude00"}}', "x.json").metadata == {"a": "😀"}


OLD = """\
[[profiles.dev.bindings]]
alias = "fast"
provider = "openai"
model = "gpt-4o"
"""


def test_a_lockfile_need_not_have_a_default_profile() -> None:
    lockfile = parse("[profiles.dev]\n[profiles.prod]\n")
    assert parse(emit(lockfile)) == lockfile
    assert lockfile.profile("prod").name == "prod"
    with pytest.raises(
        ProfileNotFoundError, match=r"Its profiles: dev, prod\. Choose one with .*LLMRING_PROFILE"
    ):
        lockfile.profile()


def test_a_binding_from_before_1_0_loads_and_is_marked() -> None:
    old, new = parse(OLD), parse('[[profiles.dev.bindings]]\nalias = "fast"\nmodels = ["openai:gpt-4o"]\n')
    assert (old.has_old_bindings, new.has_old_bindings) == (True, False)
    assert old.profiles == new.profiles


@pytest.mark.parametrize("text", [OLD.replace('"gpt-4o"', "1"), OLD.replace('model = "gpt-4o"\n', "")])
def test_half_a_binding_from_before_1_0_is_none(text: str) -> None:
    with pytest.raises(LockfileParseError, match="expected a list of at least one 'provider:model'"):
        parse(text)
