"""The provider that references name ``anthropic``."""

from typing import Any

from llmring_types.exceptions import MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._http import HttpProvider
from llmring_providers._settings import ProviderSettings
from llmring_providers.anthropic.adapter import AnthropicAdapter
from llmring_providers.anthropic.counting import AnthropicCounting
from llmring_providers.anthropic.listing import AnthropicListing


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; without a base URL it speaks to Anthropic itself."""
    return HttpProvider.from_settings(
        settings,
        adapter=AnthropicAdapter(),
        base_url=settings.base_url or str(host_of("anthropic").default_url),
        client_factory=build_client,
        sdk="llmring_providers.anthropic.sdk",
        listing=AnthropicListing(),
        counting=AnthropicCounting(),
    )


def build_client(*, api_key: str, base_url: str) -> Any:
    """Return an ``anthropic.AsyncAnthropic``.

    Raises:
        MissingSDKError: ``anthropic`` is not installed.
    """
    try:
        import anthropic  # noqa: PLC0415 - two seconds of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Anthropic needs its SDK: pip install 'llmring[anthropic]'", original=error
        ) from error
    return anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url)
