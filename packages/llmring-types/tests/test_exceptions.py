import pickle
import re
import sys

import pytest
from llmring_types import Attempt, exceptions
from llmring_types.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    LLMRingError,
    LockfileNotFoundError,
    MissingSDKError,
    ModelNotFoundError,
    ProviderConnectionError,
    ProviderNotFoundError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    UnknownProviderError,
)

BUILTINS = [
    (LockfileNotFoundError("x"), FileNotFoundError),
    (AliasNotFoundError("x", alias="a"), ValueError),
    (AliasNotFoundError("x", alias="a"), ModelNotFoundError),
    (UnknownProviderError("x", alias="a"), ValueError),
    (ProviderTimeoutError("x"), TimeoutError),
    (ProviderConnectionError("x"), ConnectionError),
    (MissingSDKError("x"), AttributeError),
]


@pytest.mark.parametrize(("error", "builtin"), BUILTINS, ids=str)
def test_errors_that_have_a_builtin_cousin_are_caught_as_it(
    error: LLMRingError, builtin: type[Exception]
) -> None:
    assert isinstance(error, builtin)
    assert str(error) == "x"


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[int, type[LLMRingError]] = {}
    seen = set()
    for line in (exceptions.__doc__ or "").splitlines():
        found = re.match(r" {4}([│├└─ ]*)(\w+Error)", line)
        if found is None:
            continue
        kind = getattr(exceptions, found[2])
        depth = len(found[1]) // 3
        drawn[depth] = kind
        seen.add(found[2])
        assert depth == 0 or drawn[depth - 1] in kind.__mro__[1:3]
    assert seen == set(exceptions.__all__)


@pytest.mark.parametrize("kind", [ConfigurationError, ProviderNotFoundError])
def test_an_error_that_names_the_command_says_where_it_comes_from_if_it_is_not_there(
    kind: type[LLMRingError], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, other = kind("no lockfile: llmring lock init"), kind("llmring sends nothing")
    assert "pip" not in str(told)
    monkeypatch.setitem(sys.modules, "llmring_cli", None)
    monkeypatch.setenv("PATH", "")
    assert str(told).endswith("llmring lock init (the command comes with: pip install 'llmring[cli]')")
    assert "pip" not in str(other)


def test_an_error_survives_pickling_with_all_it_knows() -> None:
    error = ProviderRateLimitError("slow", provider="openai", model="m", status_code=429, retry_after=2.5)
    error.attempts = (Attempt(model="openai:m", outcome="error"),)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy), vars(copy)) == (type(error), "[openai] slow", vars(error))


def test_a_provider_error_says_whose_it_is() -> None:
    assert str(ModelNotFoundError("no such model", provider="openai")) == "[openai] no such model"


@pytest.mark.parametrize("name", exceptions.__all__)
def test_an_error_names_the_module_that_users_import_it_from(name: str) -> None:
    assert getattr(exceptions, name).__module__ == "llmring_types.exceptions"
