"""The documented environment variables are those that the sources read."""

import ast
import re
from pathlib import Path

import pytest
from llmring.trust import select
from llmring_types.hosts import HOSTS

ROOT = Path(__file__).parents[1]
ROWS = {
    cells[1].strip(" `"): [cell.strip() for cell in cells[1:-1]]
    for line in (ROOT / "docs" / "environment.md").read_text("utf-8").splitlines()
    if len(cells := line.split("|")) == 6 and cells[1].startswith(" `")
}
OURS = re.compile(r"(?:LLMRING|OTEL|XDG)_[A-Z0-9_]+|NO_COLOR|TERM|PAGER|COLUMNS")
PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
"""Read by :func:`urllib.request.getproxies`."""


def names_in_sources() -> set[str]:
    """Return the names of variables that stand as whole strings in the sources, whatever is done with them."""
    trees = [ast.parse(path.read_text("utf-8")) for path in ROOT.glob("packages/*/src/**/*.py")]
    strings = {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in strings if OURS.fullmatch(text)}


def test_every_variable_that_is_read_is_documented_and_no_other() -> None:
    of_hosts = {name for host in HOSTS.values() if host.is_vendor for name in host.variables}
    assert ROWS.keys() == names_in_sources() | of_hosts | PROXIES


@pytest.mark.parametrize("name", ROWS)
def test_the_table_says_what_the_command_does_with_the_name_in_a_dotenv_file(name: str) -> None:
    selection = select({name: "x"}, {}, approved=False)
    done = "taken" if selection.taken else "trust" if selection.unapproved else "ignored"
    assert ROWS[name][3] == done


def test_default_addresses_are_those_of_the_table_of_hosts() -> None:
    for host in HOSTS.values():
        if host.is_vendor and host.base_url_variables:
            assert ROWS[host.base_url_variables[0]][2] == f"`{host.default_url}`"
