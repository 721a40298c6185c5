"""``llmring providers``."""

from llmring import provider_status

from llmring_cli._output import print_json, print_table
from llmring_cli._parameters import Json


def providers(*, json: Json = False) -> None:
    """List the providers in use, and the settings they lack.

    No request is sent. Keys are never shown. `llmring hosts` lists every host that llmring knows.

    $ llmring providers
    """
    rows = provider_status(in_use=True)
    if json:
        print_json(rows)
        return
    print_table(
        ("provider", "state", "needs"),
        [(row.name, "ready" if row.configured else "not configured", " or ".join(row.needs)) for row in rows],
    )
