"""The decisions are dated, indexed, and say where they no longer hold."""

import pytest
from decisions import FOLDER, Decision, decisions, index

PAGES = decisions()


def test_the_index_lists_every_page() -> None:
    written = (FOLDER / "README.md").read_text("utf-8")
    assert written == index(), "renew it: python tests/support/decisions.py"
    assert {page.file for page in PAGES} == {path.name for path in FOLDER.iterdir()} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_a_page_has_a_title_and_the_date_of_its_name(page: Decision) -> None:
    assert page.title
    assert page.file.startswith(page.date)
    assert page.superseded_by is None or (FOLDER / page.superseded_by).exists()
