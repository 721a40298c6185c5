"""A simulated host without its sockets: it takes requests as bytes, numbers them, and plans what happens."""

from collections import Counter

import msgspec

from llmring_providers.sim.engine import plan, refusal
from llmring_providers.sim.plan import Plan
from llmring_providers.sim.prompt import Prompt, UnreadablePromptError
from llmring_providers.sim.protocols import dialect_of
from llmring_providers.sim.script import Script


class Simulation:
    """Answers requests by a script, which may be replaced at any time; calls are numbered on."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._calls: Counter[tuple[str, str]] = Counter()

    def plan(self, url: str, body: bytes) -> tuple[Plan, Prompt | None]:
        """Return what happens to this request and what was read of it.

        Args:
            url: absolute, or only its path and query.
            body: JSON.
        """
        dialect = dialect_of(url)
        if dialect is None:
            return _NO_SUCH_PATH, None
        try:
            prompt = dialect.read(url, body)
        except (msgspec.DecodeError, UnicodeDecodeError, UnreadablePromptError) as error:
            return refusal(dialect, 400, str(error)), None
        key = (prompt.protocol, prompt.model)
        self._calls[key] += 1
        return plan(dialect, prompt, self.script, self._calls[key]), prompt


_NO_SUCH_PATH = Plan(
    status=404,
    headers={"content-type": "text/plain"},
    steps=(b"the simulator has no such path",),
    length=30,
)
