"""For tests: a provider without HTTP, and the checks that every provider passes.

Who brings a provider of his own subclasses :class:`ProviderConformance`; who tests a program takes :class:`FakeProvider`.
"""

from llmring_providers.testing._conformance import ProviderConformance, Scenario
from llmring_providers.testing._fake import HANG, FakeProvider, FakeStream, Reply

__all__ = ["HANG", "FakeProvider", "FakeStream", "ProviderConformance", "Reply", "Scenario"]
