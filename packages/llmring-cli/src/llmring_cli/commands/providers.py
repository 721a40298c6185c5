"""``llmring providers``."""

from llmring import provider_status

from llmring_cli._environment import report_refused_hosts
from llmring_cli._lockfiles import admit_found_hosts
from llmring_cli._output import print_json, print_table
from llmring_cli._parameters import Json


def providers(*, json: Json = False) -> None:
    """List the providers in use, and the settings they lack.

    No request is sent. Keys are never shown. `llmring hosts` lists every host that llmring knows.

    $ llmring providers
    """
    admit_found_hosts()
    rows = provider_status(in_use=True)
    if json:
        print_json(rows)
        return
    report_refused_hosts()
    print_table(
        ("provider", "state", "needs"),
        [(row.name, "ready" if row.configured else "not configured", " or ".join(row.needs)) for row in rows],
    )
