"""Admission: requests for this host alone, of this machine where there are no keys, and of holders of a key."""

from collections.abc import Collection
from ipaddress import ip_address

from llmring_types.exceptions import ProviderAuthenticationError, ProviderPermissionError

from llmring._addressed import is_addressed
from llmring.serve._exchange import Exchange
from llmring.serve._keys import GatewayKey, KeyStore

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""Set by proxies: the address that such a request came from is not its client's."""


class Door:
    """Admits or refuses requests.

    Args:
        host_names: names of the gateway besides ``localhost`` and IP addresses.
        keys: the store; ``None`` where there are none.
    """

    def __init__(self, host_names: Collection[str] = (), keys: KeyStore | None = None) -> None:
        self._keys = keys
        self._host_names = frozenset(name.lower() for name in host_names)

    def check_address(self, exchange: Exchange) -> None:
        """Refuse what was meant for another host, or was sent by a web page of one.

        Raises:
            ProviderPermissionError: it is no request for this gateway.
        """
        if not is_addressed(exchange.headers, self._host_names):
            raise ProviderPermissionError(
                "this request is for another host, or from a web page of one; "
                "llmring serve --host-name NAME admits requests for NAME"
            )

    async def key_of(self, exchange: Exchange) -> GatewayKey | None:
        """Return the key that a request came with; ``None`` for one of this machine to a gateway without keys.

        Raises:
            ProviderAuthenticationError: it has no key that is valid, or came from elsewhere, or through a proxy, which
                may bring anybody.
            ConfigurationError: the store cannot be asked.
        """
        if self._keys is not None:
            secret = _given_key(exchange)
            found = await self._keys.look_up(secret) if secret else None
            if found is not None:
                return found
            if await self._keys.is_in_use():
                problem = "the key is not valid, or was revoked" if secret else "a key is missing"
                raise ProviderAuthenticationError(f"{problem}: keys of this gateway begin with llmr-")
        through_proxy = any(name in exchange.headers for name in _FORWARDED)
        if through_proxy or not _is_loopback(exchange.client):
            raise ProviderAuthenticationError(
                "this gateway has no keys, so it serves the machine that it runs on and no proxy; "
                "make a key with: llmring serve key create"
            )
        return None


def _given_key(exchange: Exchange) -> str:
    """Return the key that a client has sent, by the header of whichever protocol; empty without one."""
    headers = exchange.headers
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key") or headers.get("x-goog-api-key") or ""


def _is_loopback(client: str | None) -> bool:
    try:
        address = ip_address(client or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
