"""For tests of programs that use llmring: simulated providers, recordings, and a ban on the network."""

from llmring_providers.sim import Answer, BatchRule, Call, Fault, Rule, Script, Tokens, faults
from llmring_providers.testing import HANG, FakeProvider, Reply
from llmring_providers.transport import refuse_network

from llmring._providers import stand_in
from llmring.testing._cassettes import (
    RecordedRequest,
    Recording,
    Replay,
    record,
    recorded_requests,
    replay,
)
from llmring.testing._simulator import Received, Simulator, serve

__all__ = [
    "HANG",
    "Answer",
    "BatchRule",
    "Call",
    "FakeProvider",
    "Fault",
    "Received",
    "RecordedRequest",
    "Recording",
    "Replay",
    "Reply",
    "Rule",
    "Script",
    "Simulator",
    "Tokens",
    "faults",
    "record",
    "recorded_requests",
    "refuse_network",
    "replay",
    "serve",
    "stand_in",
]
