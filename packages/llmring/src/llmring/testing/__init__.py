"""For the tests of programs that use llmring: a simulated provider over real HTTP."""

from llmring_providers.sim import Answer, Call, Fault, Rule, Script, Tokens, faults

from llmring.testing._simulator import Received, Simulator, serve

__all__ = [
    "Answer",
    "Call",
    "Fault",
    "Received",
    "Rule",
    "Script",
    "Simulator",
    "Tokens",
    "faults",
    "serve",
]
