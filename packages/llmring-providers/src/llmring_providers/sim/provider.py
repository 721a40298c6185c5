"""The provider that references name ``sim``: a simulated model for a first try, for examples and for tests."""

from llmring_providers._http import HttpProvider
from llmring_providers._settings import ProviderSettings
from llmring_providers.openai import OpenAIAdapter
from llmring_providers.sim.script import Script
from llmring_providers.sim.transport import SimTransport

BASE_URL = "http://simulator.invalid/v1"
"""Never looked up: the transport stays within the process."""


def create(settings: ProviderSettings, script: Script | None = None) -> HttpProvider:
    """Build the provider. It needs no key and reaches no network; every model name works.

    It is OpenAI's adapter with another transport, so calls take the same way as to a real provider.

    Args:
        settings: only the name counts.
        script: what the models answer; without one the demo model does.
    """
    return HttpProvider(
        settings.name, adapter=OpenAIAdapter(), transport=SimTransport(script), base_url=BASE_URL
    )
