"""A simulated model: scripted or with answers of its own, through the protocols of the real ones."""

from llmring_providers.sim.provider import create
from llmring_providers.sim.script import Answer, Call, Rule, Script, Tokens
from llmring_providers.sim.transport import SimTransport

__all__ = ["Answer", "Call", "Rule", "Script", "SimTransport", "Tokens", "create"]
