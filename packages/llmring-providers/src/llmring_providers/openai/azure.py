"""OpenAI's protocol at Azure: another header for the key, and addresses of accounts and deployments."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit

from llmring_types.exceptions import MissingSDKError
from llmring_types.hosts import host_of

from llmring_providers._http.provider import HttpProvider
from llmring_providers._listing import OpenAIListing
from llmring_providers._protocol import ChatCall
from llmring_providers._settings import AwaitedKeySource, ProviderSettings
from llmring_providers.openai.chat.request import PATH as CHAT
from llmring_providers.openai.provider import OpenAIAdapter, build_client

API_VERSION = "2024-10-21"
"""The last dated version that is not a preview, where an address of deployments names none.

https://learn.microsoft.com/azure/ai-services/openai/reference
"""


class AzureAdapter(OpenAIAdapter):
    """OpenAI's protocols below ``/openai/v1``.

    https://learn.microsoft.com/azure/ai-services/openai/api-version-lifecycle

    Args:
        bearer: keys are tokens of Microsoft Entra ID, as functions give them, not keys of the resource.
    """

    def __init__(self, *, bearer: bool = False) -> None:
        self._bearer = bearer

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        if self._bearer or not api_key:
            return super().auth_headers(api_key)
        return {"api-key": api_key}


class DeploymentsAdapter(AzureAdapter):
    """Chat completions of a deployment, which the path names: https://learn.microsoft.com/azure/ai-services/openai/reference"""

    def needs_responses(self, call: ChatCall) -> bool:  # noqa: ARG002 - only preview versions have them
        return False


class DeploymentsProvider(HttpProvider):
    """Azure's API of dated versions; the model of a reference is the name of a deployment.

    Its SDK sends embeddings and chat completions below the deployment, and everything else beside it.
    """

    api_version = API_VERSION
    _places = True

    def _placed(self, url: str, model: str) -> str:
        path = url.removeprefix(self.base_url)
        if path in (CHAT, "/embeddings"):
            path = f"/deployments/{quote(model, safe='')}{path}"
        return f"{self.base_url}{path}?api-version={self.api_version}"


def create_azure(settings: ProviderSettings) -> HttpProvider:
    """Build the provider of a resource.

    A base URL without a path is that of the resource, as ``AZURE_OPENAI_ENDPOINT`` has it. A query of an address of
    deployments names the version of the API.

    Raises:
        ConfigurationError: there is no address.
    """
    host = host_of(settings.name)
    bearer = not isinstance(settings.api_key, str)
    if host.cloud == "azure":
        return HttpProvider.from_settings(
            settings,
            adapter=AzureAdapter(bearer=bearer),
            base_url=_below(settings.address("openai"), "/openai/v1"),
            client_factory=build_client,
            sdk="llmring_providers.openai.sdk",
            listing=OpenAIListing(host.name),
        )
    base_url, _, query = settings.address("openai").partition("?")
    version = query.removeprefix("api-version=") or API_VERSION
    provider = DeploymentsProvider.from_settings(
        settings,
        adapter=DeploymentsAdapter(bearer=bearer),
        base_url=_below(base_url, "/openai"),
        client_factory=partial(_build_azure_client, version=version),
        sdk="llmring_providers.openai.sdk",
    )
    provider.api_version = quote(version, safe="")
    return provider


def _below(base_url: str, path: str) -> str:
    url = base_url.rstrip("/")
    return url if urlsplit(url).path else url + path


def _build_azure_client(*, api_key: str | AwaitedKeySource, base_url: str, version: str) -> Any:
    try:
        import openai  # noqa: PLC0415 - a second of import, only for those who ask for it
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Azure needs OpenAI's SDK: pip install 'llmring[openai]'", original=error
        ) from error
    endpoint = base_url.removesuffix("/openai")
    if isinstance(api_key, str):
        return openai.AsyncAzureOpenAI(
            azure_endpoint=endpoint, api_version=version, api_key=api_key or "none"
        )
    return openai.AsyncAzureOpenAI(
        azure_endpoint=endpoint, api_version=version, azure_ad_token_provider=api_key
    )
