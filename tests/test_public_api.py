"""The public names of every package with their signatures, as committed in ``tests/api``.

A change shows as a difference there. Renew with ``python tests/support/public_api.py``; the commit then says why the
public API changes, and the package's CHANGELOG says what users do about it.
"""

from pathlib import Path

import pytest
from public_api import PACKAGES, public_api

SNAPSHOTS = Path(__file__).parent / "api"
API = public_api()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_api_is_as_committed(package: str) -> None:
    committed = (SNAPSHOTS / f"{package}.txt").read_text()
    assert API[package].splitlines() == committed.splitlines(), (
        "the public API changed; if that is meant: python tests/support/public_api.py"
    )


def test_a_snapshot_has_signatures_fields_properties_and_inherited_members() -> None:
    chat = "    async chat(request: LLMRequest[Parsed], profile: str | None = None) -> LLMResponse[Parsed]\n"
    assert chat in API["llmring"]
    assert "    temperature: float | None = None\n" in API["llmring-types"]
    assert "    property budgets: tuple[BudgetState, ...]\n" in API["llmring"]
    assert "\nMessage = llmring_types.Message\n" in API["llmring"]


def test_no_snapshot_is_left_of_a_package_that_is_gone() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == set(PACKAGES)
