import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_lockfile import (
    BUNDLED,
    ActiveProfile,
    Binding,
    Lockfile,
    Profile,
    explain,
    has_alias,
    parse,
    require_aliases,
    resolve,
)
from llmring_types import ModelRef
from llmring_types.exceptions import (
    AliasNotFoundError,
    ModelReferenceError,
    ProfileNotFoundError,
    UnknownProviderError,
)

OURS = parse(
    """
[extends]
packages = ["my-tools", "empty"]

[[profiles.default.bindings]]
alias = "summarizer"
models = ["openai:gpt-4o", "ollama:llama3:8b", "openai:gpt-4o"]
constraints = { min_context = 5 }

[[profiles.default.bindings]]
alias = "my_tools:overridden"
models = ["google:ours"]

[[profiles.dev.bindings]]
alias = "extractor"
models = ["openai:dev"]
""",
    "ours.lock",
)
THEIRS = parse(
    """
default_profile = "main"
[extends]
packages = ["third"]

[[profiles.main.bindings]]
alias = "extractor"
models = ["openai:theirs-main"]

[[profiles.main.bindings]]
alias = "overridden"
models = ["openai:theirs-main"]

[[profiles.dev.bindings]]
alias = "extractor"
models = ["openai:theirs-dev"]
""",
    "theirs.lock",
)


def packages(name: str) -> Lockfile | None:
    return THEIRS if name == "my-tools" else None


def pool(name: str, profile: ActiveProfile | str | None = None) -> list[str]:
    return [str(model) for model in resolve(OURS, name, profile, packages=packages).models]


@pytest.mark.parametrize(
    ("name", "profile", "expected"),
    [
        ("summarizer", None, ["openai:gpt-4o", "ollama:llama3:8b"]),
        ("extractor", "dev", ["openai:dev"]),
        ("openai:gpt-4o", None, ["openai:gpt-4o"]),
        ("Ollama:llama3:8b", "absent", ["ollama:llama3:8b"]),
        ("my-tools:overridden", None, ["google:ours"]),
        ("My.Tools:overridden", None, ["google:ours"]),
        ("my-tools:extractor", None, ["openai:theirs-main"]),
        ("my_tools:extractor", "dev", ["openai:theirs-dev"]),
        ("my_tools:extractor", ActiveProfile("default", "default_profile"), ["openai:theirs-main"]),
        ("my_tools:extractor", ActiveProfile("dev", "environment"), ["openai:theirs-dev"]),
    ],
)
def test_a_name_stands_for_its_pool(
    name: str, profile: ActiveProfile | str | None, expected: list[str]
) -> None:
    assert pool(name, profile) == expected


def test_a_resolution_tells_where_it_comes_from() -> None:
    found = resolve(OURS, "summarizer")
    assert (found.source, found.profile, str(found.path), found.is_alias) == (
        "binding",
        "default",
        "ours.lock",
        True,
    )
    assert found.constraints.min_context == 5
    found = resolve(OURS, "my-tools:extractor", packages=packages)
    assert (found.source, found.profile, str(found.path)) == ("package", "main", "theirs.lock")
    assert resolve(OURS, "my-tools:overridden", packages=packages).source == "override"
    found = resolve(OURS, "openai:gpt-4o")
    assert (found.source, found.profile, found.path, found.is_alias) == ("reference", None, None, False)
    assert not found.constraints


def test_which_prefixes_are_providers_is_an_argument() -> None:
    assert resolve(OURS, "my_tools:overridden", providers={"my_tools"}).source == "reference"
    with pytest.raises(AliasNotFoundError, match="neither a known provider"):
        resolve(OURS, "openai:gpt-4o", providers={"sim"})


@pytest.mark.parametrize(
    ("name", "profile", "says"),
    [
        ("sumarizer", None, ["'sumarizer' is not bound", "'default' of ours.lock", "did you mean summarizer?"]),
        ("sumarizer", None, ["llmring bind sumarizer provider:model --profile default"]),
        ("xyz", None, ["bound there: summarizer, my_tools:overridden."]),
        ("extractor", None, ["It is bound in dev, but profiles do not inherit."]),
        ("unknown:alias", None, ["neither a known provider nor a package", "it extends my-tools, empty"]),
        ("my-tools:", None, ["neither a known provider nor a package"]),
        ("empty:alias", None, ["'empty', which ours.lock extends, is not installed here or ships no llmring.lock"]),
        ("my-tools:extracter", None, ["'main' of theirs.lock", "did you mean extractor?"]),
        ("third:alias", None, ["neither a known provider nor a package"]),
    ],
)  # fmt: skip
def test_an_unbound_name_is_told_with_what_to_do(name: str, profile: str | None, says: list[str]) -> None:
    with pytest.raises(AliasNotFoundError) as caught:
        pool(name, profile)
    for text in says:
        assert text in str(caught.value)
    assert caught.value.alias == name
    assert isinstance(caught.value, ValueError)


def test_without_a_lockfile_of_ones_own_the_error_says_how_to_create_one() -> None:
    bundled = parse(BUNDLED.read_text(), BUNDLED)
    with pytest.raises(
        AliasNotFoundError, match=r"no llmring\.lock was found.*only advisor.*llmring lock init"
    ):
        resolve(bundled, "summarizer")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("openi:gpt-5", "did you mean openai:gpt-5?"),
        ("Gemini:flash", "did you mean google:flash or vertex:flash?"),
        ("nosuch:x", "To list the providers: llmring hosts"),
    ],
)
def test_without_a_lockfile_of_ones_own_an_unknown_provider_is_said_to_be_one(name: str, meant: str) -> None:
    bundled = parse(BUNDLED.read_text(), BUNDLED)
    with pytest.raises(UnknownProviderError, match="is not a known provider") as caught:
        resolve(bundled, name)
    assert meant in str(caught.value)


@pytest.mark.parametrize("name", ["summarizer", "my-tools:extractor"])
def test_an_unknown_profile_is_told_with_those_that_exist(name: str) -> None:
    with pytest.raises(
        ProfileNotFoundError, match=r"no profile 'prod' in (ours|theirs)\.lock\. Its profiles: "
    ) as caught:
        pool(name, "prod")
    assert isinstance(caught.value, ValueError)


def test_a_provider_without_a_model_is_no_reference() -> None:
    with pytest.raises(ModelReferenceError):
        resolve(OURS, "openai:")


def test_an_explanation_has_every_step_and_its_file() -> None:
    told = explain(OURS, "my-tools:extractor", "dev", packages=packages)
    assert [str(step) for step in told.steps] == [
        "profile: dev, from the argument (ours.lock)",
        "name: the alias extractor of the package my-tools",
        "override: none in profile dev (ours.lock)",
        "extends: lists my-tools (ours.lock)",
        "package's profile: dev (theirs.lock)",
        "package: extractor in profile dev is openai:theirs-dev (theirs.lock)",
    ]
    assert told.resolution == resolve(OURS, "my-tools:extractor", "dev", packages=packages)


def test_an_explanation_of_what_cannot_be_resolved_ends_with_the_error() -> None:
    told = explain(OURS, "nothing")
    assert told.resolution is None
    assert str(told).startswith(
        "profile: default, from the default_profile (ours.lock)\nerror: the alias 'nothing'"
    )


references = st.builds(
    ModelRef, st.sampled_from(["openai", "ollama"]), st.sampled_from(["a", "b:c", "d", "e/f"])
)
names = st.sampled_from(["a", "b", "pkg:a", "other:a"])
bindings = st.lists(
    st.builds(Binding, names, st.lists(references, min_size=1, max_size=5).map(tuple)), max_size=4
)
lockfiles = st.builds(
    lambda rows, extends: Lockfile(
        extends=extends, profiles={name: Profile(name, tuple(found)) for name, found in rows.items()}
    ),
    st.dictionaries(st.sampled_from(["default", "dev"]), bindings),
    st.sampled_from([(), ("pkg",)]),
)


@settings(max_examples=50, deadline=None)
@given(lockfiles, lockfiles, names, st.sampled_from([None, "default", "dev"]))
def test_resolution_never_leaves_the_pool_and_keeps_its_order(
    ours: Lockfile, theirs: Lockfile, name: str, profile: str | None
) -> None:
    try:
        found = resolve(ours, name, profile, packages=lambda _: theirs)
    except (AliasNotFoundError, ProfileNotFoundError):
        return
    assert found.binding is not None
    assert found.binding in [
        binding
        for lockfile in (ours, theirs)
        for table in lockfile.profiles.values()
        for binding in table.bindings
    ]
    assert list(found.models) == list(dict.fromkeys(found.binding.models))


SMALL = parse(
    'extends.packages = ["tools"]\n[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'
    '[[profiles.dev.bindings]]\nalias = "b"\nmodels = ["openai:x"]\n',
    "my.lock",
)
SHIPPED = parse('[[profiles.default.bindings]]\nalias = "t"\nmodels = ["openai:x"]\n')


@pytest.mark.parametrize(
    ("alias", "profile", "found"),
    [
        ("a", None, True),
        ("b", None, False),
        ("b", "dev", True),
        ("a", "absent", False),
        ("tools:t", None, True),
        ("tools:u", None, False),
        ("openai:gpt-4o", None, False),
    ],
)
def test_has_alias_says_whether_it_is_bound(alias: str, profile: str | None, found: bool) -> None:
    assert has_alias(SMALL, alias, profile, packages=lambda _: SHIPPED) is found


def test_nothing_or_what_is_bound_passes() -> None:
    require_aliases(SMALL, [])
    require_aliases(SMALL, ["a", "tools:t"], packages=lambda _: SHIPPED)


@pytest.mark.parametrize("profile", ["dev", ActiveProfile("dev", "environment")])
def test_one_error_names_all_that_are_missing(profile: ActiveProfile | str) -> None:
    with pytest.raises(AliasNotFoundError) as caught:
        require_aliases(SMALL, ["a", "b", "c"], profile, context="my-library")
    assert str(caught.value) == (
        "my-library needs aliases that are not bound in profile 'dev' of my.lock: a, c. "
        "Bind each: llmring bind a provider:model --profile dev"
    )
    assert (caught.value.alias, caught.value.details["missing"]) == ("a", ["a", "c"])
    assert (caught.value.path, caught.value.key) == ("my.lock", "profiles.dev.bindings")
    assert caught.value.details["context"] == "my-library"
    assert isinstance(caught.value, ValueError)


def test_the_default_profile_is_named_where_none_is_given() -> None:
    with pytest.raises(AliasNotFoundError, match="Required: an alias that is not bound in profile 'default'"):
        require_aliases(SMALL, ["z"])
