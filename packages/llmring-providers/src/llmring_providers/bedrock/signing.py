"""Signatures of AWS: botocore finds the credentials and signs, each request as its bytes are.

Credentials come from botocore's own chain: the environment of the process, profiles, single sign-on, web identities,
containers and instances: https://docs.aws.amazon.com/boto3/latest/guide/credentials.html
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
from llmring_types.exceptions import ConfigurationError, MissingSDKError, ProviderAuthenticationError

from llmring_providers._http.keys import LoopLock
from llmring_providers.bedrock.errors import EXPIRED, NAME_HEADER, name_of
from llmring_providers.transport import ByteStream, HttpRequest, HttpResponse, Transport
from llmring_providers.transport._network import check_network

_SERVICE = "bedrock"
_REFUSED = (401, 403)
_REGION = re.compile(r"bedrock(?:-runtime)?(?:-fips)?\.([a-z0-9-]+)\.")
DEFAULT_REGION = "us-east-1"
"""Signed for where the address names none."""
_STS = HttpRequest("POST", "https://sts.amazonaws.com", {}, b"")
"""Stands for the services that give credentials, where the network is refused."""


def may_sign(base_url: str) -> bool:
    """Return whether signed requests may go to an address: to Amazon's own alone."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    return parts.scheme == "https" and host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def region_of(base_url: str) -> str | None:
    """Return the region in an address."""
    found = _REGION.search(urlsplit(base_url).hostname or "")
    return found[1] if found is not None else None


def _session() -> Any:
    try:
        import botocore.session  # type: ignore[import-untyped] # noqa: PLC0415 - a third of a second, if needed
    except ImportError as error:
        raise MissingSDKError(
            "signing requests to Bedrock needs botocore: pip install 'llmring[bedrock]'; "
            "or set AWS_BEARER_TOKEN_BEDROCK to a key of Bedrock's",
            original=error,
        ) from error
    return botocore.session.Session()


class Credentials:
    """The credentials of botocore's chain: looked for once, and once more when they are refused.

    Args:
        provider: whose they are, for errors.
        loopback_only: no request may leave this machine to get them.
    """

    def __init__(self, provider: str, *, loopback_only: bool = False) -> None:
        self._provider = provider
        self._asking = _STS._replace(loopback_only=loopback_only)
        self._found: Any = None
        self._used: Any = None
        self._round = 0
        self._lock = LoopLock(f"credentials of {provider}")

    def __repr__(self) -> str:
        return f"Credentials(provider={self._provider!r})"

    @property
    def token(self) -> str:
        """The session token that was last sent; empty where there is none. The secret key itself is never sent."""
        return str(getattr(self._used, "token", None) or "")

    async def get(self) -> tuple[Any, int]:
        """Return them as they are now, and the number of the look that found them.

        Raises:
            ProviderAuthenticationError: there are none, or they cannot be renewed.
        """
        if self._found is None:
            await self.renew(self._round)
        found, number = self._found, self._round
        needs_refresh = getattr(found, "refresh_needed", None)
        if needs_refresh is None or not needs_refresh():
            self._used = found.get_frozen_credentials()
        else:
            self._used = await anyio.to_thread.run_sync(self._refreshed, found)
        return self._used, number

    async def renew(self, refused: int) -> None:
        """Look for them again, unless another call has done so since the look that found the refused ones.

        Raises:
            ProviderAuthenticationError: there are none.
        """
        async with self._lock.get():
            if self._round == refused:
                self._found = await anyio.to_thread.run_sync(self._look)
                self._round += 1

    def _look(self) -> Any:
        """Walk the chain; its last members ask services of the machine that the process runs on."""
        session = _session()
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped] # noqa: PLC0415 - is imported

        try:
            check_network(self._asking)
        except ConfigurationError:
            for name in ("container-role", "iam-role"):
                session.get_component("credential_provider").remove(name)
        try:
            found = session.get_credentials()
        except BotoCoreError as error:
            raise self._lacking(error) from error
        if found is None:
            raise self._lacking()
        return found

    def _refreshed(self, found: Any) -> Any:
        """Renew what is about to expire; it may ask the network, and blocks."""
        check_network(self._asking)
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - as above

        try:
            return found.get_frozen_credentials()
        except BotoCoreError as error:
            raise self._lacking(error) from error

    def _lacking(self, error: Exception | None = None) -> ProviderAuthenticationError:
        why = "" if error is None else f" ({type(error).__name__})"
        return ProviderAuthenticationError(
            f"botocore found no credentials of AWS{why}: run aws configure or aws sso login, "
            "or set AWS_ACCESS_KEY_ID or AWS_BEARER_TOKEN_BEDROCK",
            provider=self._provider,
            original=error,
        )


class SigningTransport:
    """Signs each request; one whose credentials are refused as expired is signed anew and sent again once.

    Args:
        transport: carries the bytes; shared, so it is not closed here.
        credentials: whose signature it is.
        base_url: where the region is read from.
    """

    def __init__(self, transport: Transport, credentials: Credentials, base_url: str) -> None:
        self._transport = transport
        self._credentials = credentials
        self._region = region_of(base_url) or DEFAULT_REGION

    async def send(self, request: HttpRequest) -> HttpResponse:
        signed, number = await self._signed(request)
        reply = await self._transport.send(signed)
        if not _is_expired(reply):
            return reply
        await self._credentials.renew(number)
        again, _ = await self._signed(request)
        return await self._transport.send(again)

    async def open(self, request: HttpRequest) -> ByteStream:
        signed, number = await self._signed(request)
        reply = await self._transport.open(signed)
        if not _is_expired(reply):
            return reply
        reply.close()
        await self._credentials.renew(number)
        again, _ = await self._signed(request)
        return await self._transport.open(again)

    async def aclose(self) -> None:
        """Leave the shared transport open."""

    async def _signed(self, request: HttpRequest) -> tuple[HttpRequest, int]:
        frozen, number = await self._credentials.get()
        return request._replace(headers=signed_headers(request, frozen, self._region)), number


def signed_headers(request: HttpRequest, credentials: Any, region: str) -> Mapping[str, str]:
    """Return the headers of a request with those that sign it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    from botocore.auth import SigV4Auth  # type: ignore[import-untyped] # noqa: PLC0415 - as above
    from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped] # noqa: PLC0415

    kept = {name: value for name, value in request.headers.items() if name == "content-type"}
    asked = AWSRequest(request.method, request.url, headers=kept, data=request.body)
    SigV4Auth(credentials, _SERVICE, region).add_auth(asked)
    return {**request.headers, **{name.lower(): value for name, value in asked.headers.items()}}


def _is_expired(reply: HttpResponse | ByteStream) -> bool:
    return reply.status in _REFUSED and name_of(reply.headers.get(NAME_HEADER)) in EXPIRED
