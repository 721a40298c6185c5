"""A simulated host without its sockets: it takes requests as bytes, numbers them, and plans what happens."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from llmring_providers.sim.dialect import Dialect
from llmring_providers.sim.engine import plan, refusal
from llmring_providers.sim.plan import Plan
from llmring_providers.sim.prompt import Prompt, UnreadablePromptError
from llmring_providers.sim.protocols import chat_dialect, models_dialect
from llmring_providers.sim.script import Script
from llmring_providers.transport import HttpRequest


class Simulation:
    """Answers requests by a script. With another script, calls are numbered from 1 again."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._calls: Counter[tuple[str, str]] = Counter()

    @property
    def script(self) -> Script:
        return self._script

    @script.setter
    def script(self, script: Script) -> None:
        self._script = script
        self._calls.clear()

    def plan(self, request: HttpRequest) -> tuple[Plan, Prompt | None]:
        """Return what happens to this request, and what was read of it where it is a chat call.

        The URL may be absolute or only path and query; header names are in lower case.
        """
        if request.method == "GET":
            return self._listing(request.url, request.headers), None
        dialect = chat_dialect(request.url) if request.method == "POST" else None
        if dialect is None:
            return _whole(404, b"the simulator has no such path", "text/plain"), None
        try:
            prompt = dialect.read(request.url, request.body)
            return self._chat(dialect, prompt), prompt
        except (msgspec.DecodeError, UnicodeDecodeError, UnreadablePromptError) as error:
            return refusal(dialect, 400, str(error)), None

    def _chat(self, dialect: Dialect, prompt: Prompt) -> Plan:
        call = (prompt.protocol, prompt.model)
        self._calls[call] += 1
        return plan(dialect, prompt, self._script, self._calls[call])

    def _listing(self, url: str, headers: Mapping[str, str]) -> Plan:
        dialect = models_dialect(url, headers)
        if dialect is None:
            return _whole(404, b"the simulator has no such path", "text/plain")
        return _whole(200, dialect.models(self._script.models), "application/json")


def _whole(status: int, body: bytes, media_type: str) -> Plan:
    return Plan(status=status, headers={"content-type": media_type}, steps=(body,), length=len(body))
