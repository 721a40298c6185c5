"""docs/hosts.md says what the rows say."""

from pathlib import Path

import hosts_page
import msgspec
import pytest
from llmring.trust import select
from llmring_types.hosts import HOSTS

RECORDINGS = Path(__file__).parent / "recordings"


def test_the_tables_are_those_of_the_rows() -> None:
    page = hosts_page.PAGE.read_text("utf-8")
    assert page == hosts_page.renewed(page), "run: python tests/support/hosts_page.py"


def test_the_page_names_what_is_not_proved() -> None:
    said = hosts_page.PAGE.read_text("utf-8").partition("## Clouds")[0]
    reasons = said[said.index("\n- ") : said.index("Keys and addresses")]
    named = reasons.split("`")[1::2]
    assert sorted(named) == sorted(name for name, host in HOSTS.items() if not host.is_proved)


@pytest.mark.parametrize("name", [name for host in hosts_page.SHIPPED for name in host.variables])
def test_variables_of_hosts_are_taken_from_a_dotenv_file(name: str) -> None:
    assert name in hosts_page.PAGE.read_text("utf-8")
    assert select({name: "x"}, {}, approved=False).taken == {name: "x"}


@pytest.mark.parametrize("name", ["openai", "anthropic", "google", "ollama"])
def test_a_vendor_is_proved_by_an_exchange_recorded_here(name: str) -> None:
    host = HOSTS[name]
    rows = [
        msgspec.json.decode(path.read_bytes()) for path in (RECORDINGS / str(host.protocol)).glob("*.json")
    ]
    sources = {
        f"https://github.com/{row['source_repo']}/blob/{row['source_commit']}/{row['source_path']}"
        for row in rows
        if row["response"]["status"] == 200
    }
    assert host.proof in sources
