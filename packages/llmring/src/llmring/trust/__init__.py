"""Files of a project that the user has approved, and the rule that needs the approval.

A cloned repository may hold a ``.env`` file or a lockfile that names addresses. A key of the user's own goes to such an
address only once the user has approved the file with ``llmring trust``. An approval is for one path and one content, as
in direnv (https://direnv.net/man/direnv.1.html): an edit by anybody, such as ``git pull``, withdraws it.
"""

from llmring._settings import DOTENV_VARIABLE, config_folder
from llmring.trust._origin import Origin, Selection, check_address, select
from llmring.trust._store import (
    MAX_BYTES,
    TrustedFile,
    TrustStore,
    open_trust_store,
    read_content,
)

__all__ = [
    "DOTENV_VARIABLE",
    "MAX_BYTES",
    "Origin",
    "Selection",
    "TrustStore",
    "TrustedFile",
    "check_address",
    "config_folder",
    "open_trust_store",
    "read_content",
    "select",
]
