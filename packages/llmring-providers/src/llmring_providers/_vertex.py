"""Vertex AI, whichever vendor's models: addresses, application-default credentials, and the list of models."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from threading import Lock
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import msgspec
from llmring_types import ModelFacts
from llmring_types.exceptions import ConfigurationError, MissingSDKError, ProviderAuthenticationError
from llmring_types.hosts import host_of

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._listing import Page, malformed_listing
from llmring_providers._settings import KeySource, ProviderSettings
from llmring_providers.transport import HttpRequest
from llmring_providers.transport._network import check_network

_TOKENS = HttpRequest("POST", "https://oauth2.googleapis.com/token", {}, b"")
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_WITHOUT_REGION = re.compile(r"https://(global|us|eu)-aiplatform\.googleapis\.com(?=/)")
_DATE = re.compile(r"\d{8}")
"""A version of Claude, which is part of its name here: ``claude-sonnet-4@20250514``."""
_PLACE = re.compile(
    r"(?P<origin>.+)/(?P<version>v\d\w*)/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
)


def bearer(api_key: str, source: str | KeySource = "") -> Mapping[str, str]:
    """Return the headers that carry an access token: also the project that pays, where its source names one.

    https://cloud.google.com/docs/quotas/set-quota-project
    """
    if not api_key:
        return {}
    payer = source.quota_project if isinstance(source, DefaultCredentials) else None
    return {"authorization": f"Bearer {api_key}"} | ({"x-goog-user-project": payer} if payer else {})


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
        self.quota_project: str | None = None
        """The project that pays for a person's calls, as ``gcloud`` wrote it; known with the first token."""
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
            self.quota_project = getattr(self._credentials, "quota_project_id", None)
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


class _Model(msgspec.Struct, rename="camel"):
    name: str
    version_id: str = ""


class _Models(msgspec.Struct, rename="camel"):
    publisher_models: list[_Model] = msgspec.field(default_factory=list)
    next_page_token: str | None = None


class VertexListing:
    """The models of one publisher, by name alone; those that do not chat are left out.

    https://cloud.google.com/vertex-ai/docs/reference/rest/v1beta1/publishers.models/list
    """

    def __init__(self, path: str, chats: re.Pattern[str]) -> None:
        self.path = f"{path}?pageSize=100"
        self._chats = chats

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("vertex", error) from error
        token = page.next_page_token
        return Page(
            [facts for model in page.publisher_models if (facts := self._facts(model)) is not None],
            f"{self.path}&pageToken={quote(token, safe='')}" if token else None,
        )

    def _facts(self, model: _Model) -> ModelFacts | None:
        name = model.name.rpartition("/")[2]
        if self._chats.fullmatch(name) is None:
            return None
        dated = _DATE.fullmatch(model.version_id) is not None
        return ModelFacts(
            provider="vertex", model=f"{name}@{model.version_id}" if dated else name, active=True
        )


def vertex_listing(settings: ProviderSettings, base_url: str, chats: re.Pattern[str]) -> VertexListing | None:
    """Return how the models are listed: ``None`` at an address that is not of the form of Google's own."""
    path = host_of(settings.name).models_path
    return None if path is None or _PLACE.fullmatch(base_url) is None else VertexListing(path, chats)
