"""Bedrock as a provider: its adapter, its count of tokens, its list of models, its keys."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from llmring_types import LLMResponse, ModelFacts
from llmring_types.exceptions import (
    ConfigurationError,
    LLMRingError,
    MalformedResponseError,
    MissingSDKError,
)

from llmring_providers._fit.names import restored, restoring
from llmring_providers._http.keys import authenticated
from llmring_providers._http.provider import HttpProvider
from llmring_providers._json import DECODE_ERRORS, reread
from llmring_providers._listing import Page, malformed_listing, no_count, with_fields
from llmring_providers._protocol import ChatCall, StreamDecoder, WireRequest
from llmring_providers._settings import AwaitedKeySource, ProviderSettings, plain_key
from llmring_providers.bedrock import errors, request, response
from llmring_providers.bedrock.models import NAMES
from llmring_providers.bedrock.signing import (
    DEFAULT_REGION,
    Credentials,
    SigningTransport,
    may_sign,
    region_of,
)
from llmring_providers.bedrock.stream import ConverseStreamDecoder


class BedrockAdapter:
    """``Converse`` and ``ConverseStream``: https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference.html"""

    def auth_headers(self, api_key: str) -> Mapping[str, str]:
        """Carry a key of Bedrock's as a bearer token; without one, requests are signed.

        https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
        """
        return {"authorization": f"Bearer {api_key}"} if api_key else {}

    def encode(self, call: ChatCall, *, stream: bool) -> WireRequest:
        return request.encode(call, stream=stream)

    def decode(self, body: bytes, call: ChatCall, wire: WireRequest) -> LLMResponse:  # noqa: ARG002
        try:
            answer = response.decode(body, call)
        except MalformedResponseError as error:
            answer = reread(
                error,
                lambda data: response.decode(data, call),
                lambda: ConverseStreamDecoder(call),
                body,
                call,
            )
        return restored(answer, call, NAMES) if answer.tool_calls else answer

    def stream_decoder(self, call: ChatCall, wire: WireRequest) -> StreamDecoder:  # noqa: ARG002
        return restoring(ConverseStreamDecoder(call), call, NAMES)

    def error(self, status: int, headers: Mapping[str, str], body: bytes, call: ChatCall) -> LLMRingError:
        return errors.error(status, headers, body, call)


_COUNTED = frozenset({"additionalModelRequestFields", "messages", "system", "toolConfig"})


class _Count(msgspec.Struct, rename="camel"):
    input_tokens: int


class BedrockCounting:
    """``CountTokens``, with the request in Converse's form.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
    """

    def encode(self, call: ChatCall) -> WireRequest:
        wire = request.encode(call, stream=False)
        body = msgspec.json.encode({"input": {"converse": with_fields(wire.body, _COUNTED)}})
        path = request.path_of(call.ref.model, "count-tokens")
        return WireRequest(path=path, body=body, headers=wire.headers, warnings=wire.warnings)

    def decode(self, body: bytes) -> int:
        try:
            return msgspec.json.decode(body, type=_Count, strict=False).input_tokens
        except DECODE_ERRORS as error:
            raise no_count("bedrock", error) from error


class _Model(msgspec.Struct, rename="camel"):
    model_id: str
    model_name: str | None = None
    output_modalities: list[str] = []
    inference_types_supported: list[str] = []
    model_lifecycle: Any = None


class _Profile(msgspec.Struct, rename="camel"):
    inference_profile_id: str
    inference_profile_name: str | None = None
    inference_profile_arn: str | None = None
    type: str | None = None
    status: str | None = None


class _Models(msgspec.Struct, rename="camel"):
    model_summaries: list[_Model] | None = None
    inference_profile_summaries: list[_Profile] | None = None
    next_token: str | None = None


class BedrockListing:
    """The models that answer on demand, then the inference profiles, which are all that some models are called by.

    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
    https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html

    Args:
        base_url: of the runtime; the lists are at another address of the same region.
    """

    def __init__(self, base_url: str) -> None:
        origin = base_url.replace("://bedrock-runtime", "://bedrock", 1) if region_of(base_url) else ""
        self.path = f"{origin}/foundation-models?byOutputModality=TEXT"
        self._profiles = f"{origin}/inference-profiles?maxResults=1000"

    def decode(self, body: bytes) -> Page:
        try:
            page = msgspec.json.decode(body, type=_Models)
        except DECODE_ERRORS as error:
            raise malformed_listing("bedrock", error) from error
        models = [_facts(model) for model in page.model_summaries or () if _on_demand(model)]
        if page.inference_profile_summaries is None:
            return Page(models, self._profiles if page.model_summaries is not None else None)
        token = page.next_token
        return Page(
            [*models, *map(_profile, page.inference_profile_summaries)],
            f"{self._profiles}&nextToken={quote(token, safe='')}" if token else None,
        )


def _on_demand(model: _Model) -> bool:
    return not model.inference_types_supported or "ON_DEMAND" in model.inference_types_supported


def _facts(model: _Model) -> ModelFacts:
    lifecycle = model.model_lifecycle
    status = lifecycle.get("status") if isinstance(lifecycle, Mapping) else None
    return ModelFacts(
        provider="bedrock", model=model.model_id, display_name=model.model_name, active=status != "LEGACY"
    )


def _profile(profile: _Profile) -> ModelFacts:
    own = profile.type == "APPLICATION" and profile.inference_profile_arn
    return ModelFacts(
        provider="bedrock",
        model=own or profile.inference_profile_id,
        display_name=profile.inference_profile_name,
        active=profile.status in (None, "ACTIVE"),
    )


class BedrockProvider(HttpProvider):
    """Bedrock over HTTP: with a key of Bedrock's, else with signatures by botocore.

    Args:
        settings: as they were given.
        base_url: of the runtime in a region.
    """

    def __init__(self, settings: ProviderSettings, base_url: str) -> None:
        adapter, transport, key = BedrockAdapter(), settings.transport, settings.api_key
        self._credentials: Credentials | None = None
        expiring = None
        if not key and may_sign(base_url):
            self._credentials = Credentials(settings.name, loopback_only=settings.loopback_only)
            transport = SigningTransport(transport, self._credentials, base_url)
        elif not isinstance(key, str):
            transport, expiring = authenticated(
                transport, key, settings.name, adapter.auth_headers, refused=(401, 403)
            )
        super().__init__(
            settings.name,
            adapter=adapter,
            transport=transport,
            base_url=base_url,
            api_key=key if isinstance(key, str) else "",
            client_factory=build_client,
            listing=BedrockListing(base_url),
            counting=BedrockCounting(),
            max_response_bytes=settings.max_response_bytes,
        )
        self._expiring = expiring

    def _key(self) -> str:
        """Return what a host may echo of the credentials: a refused signature comes back with all that it signed."""
        return super()._key() if self._credentials is None else self._credentials.token

    async def close_client(self, client: Any) -> None:
        client.close()


def create(settings: ProviderSettings) -> HttpProvider:
    """Build the provider of a region.

    Raises:
        ConfigurationError: there is no address, or an SDK client was given.
    """
    if settings.client is not None:
        raise ConfigurationError(
            f"{settings.name!r} takes no client of an SDK: its credentials are those of botocore's profile, or a key of "
            "Bedrock's as api_key"
        )
    return BedrockProvider(settings, settings.address("bedrock"))


def build_client(*, api_key: str | AwaitedKeySource, base_url: str) -> Any:
    """Return botocore's client of ``bedrock-runtime``, whose methods are those of boto3's; its calls block.

    Raises:
        MissingSDKError: ``botocore`` is not installed.
    """
    try:
        import botocore.session  # type: ignore[import-untyped] # noqa: PLC0415 - only for those who ask for it
        from botocore.config import Config  # type: ignore[import-untyped] # noqa: PLC0415
        from botocore.tokens import FrozenAuthToken  # type: ignore[import-untyped] # noqa: PLC0415
    except ImportError as error:
        raise MissingSDKError(
            "raw access to Bedrock needs botocore: pip install 'llmring[bedrock]'", original=error
        ) from error
    session, config, key = botocore.session.Session(), None, plain_key(api_key, "bedrock")
    if key:
        config = Config(signature_version="bearer")
        session.get_auth_token = lambda **_: FrozenAuthToken(key)
    region = region_of(base_url) or DEFAULT_REGION
    return session.create_client("bedrock-runtime", region_name=region, endpoint_url=base_url, config=config)
