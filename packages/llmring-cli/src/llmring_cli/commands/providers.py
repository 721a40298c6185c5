"""``llmring providers``."""

from typing import Annotated

from cyclopts import Parameter
from llmring import provider_status

from llmring_cli._output import print_json, print_table


def providers(*, json: Annotated[bool, Parameter(negative="")] = False) -> None:
    """List the providers, and what each still needs. A key is never shown.

    Args:
        json: Print JSON.
    """
    rows = provider_status()
    if json:
        print_json(rows)
        return
    print_table(
        ("provider", "state", "needs"),
        [(row.name, "ready" if row.configured else "not configured", " or ".join(row.needs)) for row in rows],
    )
