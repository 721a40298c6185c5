"""The provider that references name ``openai``."""

from typing import Any

from llmring_types.exceptions import MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._http import HttpProvider
from llmring_providers._listing import OpenAIListing
from llmring_providers._settings import ProviderSettings
from llmring_providers.openai.adapter import OpenAIAdapter
from llmring_providers.openai.counting import OpenAICounting


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; without a base URL it speaks to OpenAI itself."""
    return HttpProvider.from_settings(
        settings,
        adapter=OpenAIAdapter(),
        base_url=settings.base_url or str(host_of("openai").default_url),
        client_factory=build_client,
        sdk="llmring_providers.openai.sdk",
        listing=OpenAIListing(settings.name),
        counting=OpenAICounting(),
    )


def build_client(*, api_key: str, base_url: str) -> Any:
    """Return an ``openai.AsyncOpenAI``.

    Raises:
        MissingSDKError: ``openai`` is not installed.
    """
    try:
        import openai  # noqa: PLC0415 - a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to OpenAI needs its SDK: pip install 'llmring[openai]'", original=error
        ) from error
    return openai.AsyncOpenAI(api_key=api_key, base_url=base_url)
