"""For tests: a provider without HTTP, and the checks that every provider passes.

Whoever brings a provider of their own subclasses :class:`ProviderConformance`; tests of a program use
:class:`FakeProvider`.
"""

from llmring_providers.testing._conformance import ProviderConformance, Scenario
from llmring_providers.testing._fake import HANG, FakeProvider, FakeStream, Reply

__all__ = ["HANG", "FakeProvider", "FakeStream", "ProviderConformance", "Reply", "Scenario"]
