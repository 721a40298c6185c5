"""The usage server: reports to it, and queries.

A ring with a ``server_url`` reports to it in the background; :class:`ServerClient` queries statistics, logs and
conversations.
"""

from llmring.server._client import ServerClient
from llmring.server._log import ServerLog
from llmring.server._payloads import as_text, batch_of_messages, new_conversation

__all__ = ["ServerClient", "ServerLog", "as_text", "batch_of_messages", "new_conversation"]
