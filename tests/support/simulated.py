"""The simulator beside processes of llmring."""

from llmring.testing import Simulator


class Simulated(Simulator):
    """A simulator that knows how to point a process at itself."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process of llmring talk to it."""
        return {
            "OPENAI_API_KEY": "sk-made-up",
            "OPENAI_BASE_URL": self.base_url("openai"),
            "ANTHROPIC_BASE_URL": self.base_url("anthropic"),
            "GOOGLE_GEMINI_BASE_URL": self.base_url("google"),
            "OLLAMA_BASE_URL": self.base_url("ollama"),
        }
