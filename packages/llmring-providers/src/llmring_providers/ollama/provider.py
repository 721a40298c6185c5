"""The provider that references name ``ollama``."""

from typing import Any

from llmring_types.exceptions import MissingSDKError

from llmring_providers._http import HttpProvider
from llmring_providers._settings import ProviderSettings
from llmring_providers.ollama.adapter import OllamaAdapter
from llmring_providers.ollama.host import normalise_host
from llmring_providers.ollama.models import OllamaListing


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider; its base URL may have any form of ``OLLAMA_HOST``, none means this machine.

    Raises:
        ConfigurationError: the base URL is not valid.
    """
    return HttpProvider.from_settings(
        settings,
        adapter=OllamaAdapter(),
        base_url=normalise_host(settings.base_url),
        client_factory=build_client,
        sdk="llmring_providers.ollama.sdk",
        listing=OllamaListing(),
    )


def build_client(*, api_key: str, base_url: str) -> Any:
    """Return an ``ollama.AsyncClient``.

    Raises:
        MissingSDKError: ``ollama`` is not installed.
    """
    try:
        import ollama  # noqa: PLC0415 - half a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Ollama needs its SDK: pip install 'llmring[ollama]'", original=error
        ) from error
    return ollama.AsyncClient(
        host=base_url, headers={"authorization": f"Bearer {api_key}"} if api_key else None
    )
