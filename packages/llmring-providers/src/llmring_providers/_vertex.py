"""Vertex AI, whichever vendor's models: addresses of projects and locations, and application-default credentials."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from llmring_types.exceptions import ConfigurationError, MissingSDKError, ProviderAuthenticationError

from llmring_providers._settings import KeySource, ProviderSettings
from llmring_providers.transport import HttpRequest
from llmring_providers.transport._network import check_network

_TOKENS = HttpRequest("POST", "https://oauth2.googleapis.com/token", {}, b"")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_WITHOUT_REGION = re.compile(r"https://(global|us|eu)-aiplatform\.googleapis\.com(?=/)")
_PLACE = re.compile(
    r"(?P<origin>.+)/(?P<version>v\d\w*)/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
)


def bearer(api_key: str) -> Mapping[str, str]:
    """Return the header that carries an access token."""
    return {"authorization": f"Bearer {api_key}"} if api_key else {}


def vertex_address(base_url: str) -> str:
    """Return the base URL with the right host: ``global`` and the multi-regions ``us`` and ``eu`` have others.

    https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
    """
    return _WITHOUT_REGION.sub(_other_host, base_url).rstrip("/")


def _other_host(found: re.Match[str]) -> str:
    if found[1] == "global":
        return "https://aiplatform.googleapis.com"
    return f"https://aiplatform.{found[1]}.rep.googleapis.com"


def with_credentials(settings: ProviderSettings) -> str | KeySource:
    """Return the key that was given, else the application-default credentials: for Google's own addresses alone.

    Raises:
        MissingSDKError: they are needed, and ``google-auth`` is not installed.
    """
    if settings.api_key or settings.client is not None or not _is_of_google(settings.base_url or ""):
        return settings.api_key
    if find_spec("google") is None or find_spec("google.auth") is None:
        raise MissingSDKError(
            "application-default credentials need google-auth: pip install 'llmring[vertex]'; "
            "or give a function that returns an access token as api_key"
        )
    return DefaultCredentials()


def _is_of_google(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and host.endswith(".googleapis.com") and "aiplatform" in host


class DefaultCredentials:
    """Access tokens of the application-default credentials, a fresh one at every call. It blocks.

    https://cloud.google.com/docs/authentication/application-default-credentials
    """

    def __init__(self) -> None:
        self._credentials: Any = None
        self._lock = Lock()

    def __call__(self) -> str:
        """Return a token.

        Raises:
            ConfigurationError: the network is refused here.
            ProviderAuthenticationError: there are no credentials, or Google refused them.
        """
        check_network(_TOKENS)
        import google.auth  # noqa: PLC0415 - a third of a second, only for those who use it
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
        from google.auth.transport.requests import Request  # noqa: PLC0415

        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _ = google.auth.default(scopes=[_SCOPE])
                self._credentials.refresh(Request())
            except GoogleAuthError as error:
                raise ProviderAuthenticationError(
                    f"the application-default credentials gave no token ({type(error).__name__}): "
                    "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS",
                    provider="vertex",
                    original=error,
                ) from error
            return str(self._credentials.token)


class Place(NamedTuple):
    """The parts of an address, as Google's SDKs want them one by one."""

    origin: str
    version: str
    project: str
    location: str

    @classmethod
    def of(cls, base_url: str) -> "Place":
        """Read an address.

        Raises:
            ConfigurationError: it has no project or no location.
        """
        found = _PLACE.fullmatch(base_url)
        if found is None:
            raise ConfigurationError(
                "raw access to Vertex AI needs a base URL that ends in /v1/projects/PROJECT/locations/LOCATION"
            )
        return cls(found["origin"], found["version"], found["project"], found["location"])
