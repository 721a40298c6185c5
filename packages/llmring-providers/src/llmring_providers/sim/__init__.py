"""A simulated model: scripted or with answers of its own, through the protocols of the real ones.

:func:`create` makes the provider ``sim``; :class:`SimTransport` plays a script in memory under any adapter; the server
``llmring.testing.Simulator`` plays it over real HTTP.
"""

from llmring_providers.sim import faults
from llmring_providers.sim.batches import HostedBatch, HostedBatches
from llmring_providers.sim.faults import Fault
from llmring_providers.sim.files import HostedFile, HostedFiles
from llmring_providers.sim.prompt import Prompt, Tool, Turn
from llmring_providers.sim.script import Answer, BatchRule, Call, Rule, Script, Tokens
from llmring_providers.sim.simulation import Simulation
from llmring_providers.sim.transport import SimTransport, create

__all__ = [
    "Answer",
    "BatchRule",
    "Call",
    "Fault",
    "HostedBatch",
    "HostedBatches",
    "HostedFile",
    "HostedFiles",
    "Prompt",
    "Rule",
    "Script",
    "SimTransport",
    "Simulation",
    "Tokens",
    "Tool",
    "Turn",
    "create",
    "faults",
]
