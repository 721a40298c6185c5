import pytest
from llmring_lockfile import ActiveProfile, has_alias, parse, require_aliases
from llmring_types.exceptions import AliasNotFoundError

OURS = parse(
    'extends.packages = ["tools"]\n[[profiles.default.bindings]]\nalias = "a"\nmodels = ["openai:x"]\n'
    '[[profiles.dev.bindings]]\nalias = "b"\nmodels = ["openai:x"]\n',
    "my.lock",
)
THEIRS = parse('[[profiles.default.bindings]]\nalias = "t"\nmodels = ["openai:x"]\n')


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
    assert has_alias(OURS, alias, profile, packages=lambda _: THEIRS) is found


def test_nothing_or_what_is_bound_passes() -> None:
    require_aliases(OURS, [])
    require_aliases(OURS, ["a", "tools:t"], packages=lambda _: THEIRS)


@pytest.mark.parametrize("profile", ["dev", ActiveProfile("dev", "environment")])
def test_one_error_names_all_that_are_missing(profile: ActiveProfile | str) -> None:
    with pytest.raises(AliasNotFoundError) as caught:
        require_aliases(OURS, ["a", "b", "c"], profile, context="my-library")
    assert str(caught.value) == (
        "my-library needs aliases that are not bound in profile 'dev' of my.lock: a, c. "
        "Bind each: llmring bind a provider:model --profile dev"
    )
    assert (caught.value.alias, caught.value.details["missing"]) == ("a", ["a", "c"])
    assert isinstance(caught.value, ValueError)


def test_the_default_profile_is_named_where_none_is_given() -> None:
    with pytest.raises(AliasNotFoundError, match="Required: an alias that is not bound in profile 'default'"):
        require_aliases(OURS, ["z"])
