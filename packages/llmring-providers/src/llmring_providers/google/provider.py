"""The provider that references name ``google``."""

import re
from typing import Any

from llmring_types.exceptions import MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._http import HttpProvider
from llmring_providers._settings import ProviderSettings
from llmring_providers.google.adapter import GoogleAdapter
from llmring_providers.google.counting import GoogleCounting
from llmring_providers.google.listing import GoogleListing

API_VERSION = "v1beta"
"""The version with everything that is documented: https://ai.google.dev/gemini-api/docs/api-versions"""

_VERSIONED = re.compile(r"(?P<host>.*)/(?P<version>v\d+(?:(?:alpha|beta)\d*)?)")


class GoogleProvider(HttpProvider):
    """Gemini over HTTP."""

    async def close_client(self, client: Any) -> None:
        client.close()  # one SDK client holds two: the synchronous one and the one below ``aio``
        await client.aio.aclose()


def create(settings: ProviderSettings) -> GoogleProvider:
    """Build the provider; without a base URL it speaks to the Gemini API itself.

    A base URL may name the version of the API (``https://host/v1``); otherwise it is ``v1beta``.
    """
    base_url = (settings.base_url or str(host_of("google").default_url)).rstrip("/")
    if _VERSIONED.fullmatch(base_url) is None:
        base_url = f"{base_url}/{API_VERSION}"
    return GoogleProvider.from_settings(
        settings,
        adapter=GoogleAdapter(),
        base_url=base_url,
        client_factory=build_client,
        sdk="llmring_providers.google.sdk",
        listing=GoogleListing(),
        counting=GoogleCounting(),
    )


def build_client(*, api_key: str, base_url: str) -> Any:
    """Return a ``google.genai.Client``; its asynchronous half is ``client.aio``.

    Raises:
        MissingSDKError: ``google-genai`` is not installed.
    """
    try:
        from google import genai  # noqa: PLC0415 - nearly a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Gemini needs its SDK: pip install 'llmring[google]'", original=error
        ) from error
    named = _VERSIONED.fullmatch(base_url)
    host, version = (named["host"], named["version"]) if named else (base_url, API_VERSION)
    return genai.Client(
        api_key=api_key,
        vertexai=False,  # otherwise the environment decides
        http_options=genai.types.HttpOptions(base_url=host, api_version=version),
    )
