"""docs/hosts.md says what the rows say."""

import hosts_page
import pytest
from llmring.trust import select


def test_the_tables_are_those_of_the_rows() -> None:
    page = hosts_page.PAGE.read_text("utf-8")
    assert page == hosts_page.renewed(page), "run: python tests/support/hosts_page.py"


@pytest.mark.parametrize("name", [name for host in hosts_page.SHIPPED for name in host.variables])
def test_variables_of_hosts_are_taken_from_a_dotenv_file(name: str) -> None:
    assert name in hosts_page.PAGE.read_text("utf-8")
    assert select({name: "x"}, {}, approved=False).taken == {name: "x"}
