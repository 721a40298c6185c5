"""The usage server: what a ring tells it, and what can be asked of it.

A ring with a ``server_url`` delivers to it in the background; :class:`ServerClient` asks it for statistics, logs and
conversations.
"""

from llmring.server._client import ServerClient
from llmring.server._log import ServerLog
from llmring.server._payloads import as_text

__all__ = ["ServerClient", "ServerLog", "as_text"]
