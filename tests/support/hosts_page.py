"""Write the tables of ``docs/hosts.md`` from the rows of the table: ``python tests/support/hosts_page.py``."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
from llmring_types.hosts import HOSTS, Host

PAGE = Path(__file__).parents[2] / "docs" / "hosts.md"
_TABLE = re.compile(r"(?<=<!-- hosts -->\n).*(?=<!-- end -->)", re.DOTALL)
SHIPPED = [row for row in HOSTS.values() if not row.is_vendor]
"""All but the vendors, whose variables are in docs/environment.md, as they are when this module is imported."""


def tables() -> str:
    """Return the tables of hosts, then of deviations, in the order of the names."""
    rows = sorted(SHIPPED, key=lambda host: host.name)
    return "\n".join(
        (
            "",
            "| host | address | key in | address in | proved |",
            "|---|---|---|---|---|",
            *(_line(host) for host in rows),
            "",
            "## Deviations",
            "",
            "| host | field | value | says |",
            "|---|---|---|---|",
            *(line for host in rows for line in _deviations(host)),
            "",
            "",
        )
    )


def _line(host: Host) -> str:
    address = (host.default_url or host.url_template or "").replace("|", "\\|")
    proof = f"[{host.proof_kind}]({_link(host.proof)})" if host.proof else "no"
    cells = (
        f"[{host.title}]({host.source}) `{host.name}`",
        f"`{address}`" if host.protocol == "openai" else f"`{address}`, {host.protocol}",
        " or ".join(f"`{name}`" for name in host.key_variables) + (", if any" if host.keyless else ""),
        ", ".join(f"`{name}`" for name in (*host.base_url_variables, *host.url_variables)),
        proof,
    )
    return f"| {' | '.join(cells)} |"


def _link(proof: str) -> str:
    return proof if "://" in proof else f"../{proof}"


def _deviations(host: Host) -> Iterator[str]:
    if host.quirks is None:
        return
    for name, value in msgspec.to_builtins(host.quirks).items():
        if name != "pages":
            said = msgspec.json.encode(value).decode().strip('"').replace('","', ", ").strip('[]"')
            yield f"| `{host.name}` | `{name}` | {said or 'none'} | [page]({host.quirks.pages[name]}) |"


def renewed(page: str) -> str:
    """Return the page with the tables as they should be."""
    return _TABLE.sub(lambda _: tables(), page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
