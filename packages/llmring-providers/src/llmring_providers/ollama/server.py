"""An Ollama server: the forms of its address in ``OLLAMA_HOST``, and the models that it has installed.

https://docs.ollama.com/faq
https://docs.ollama.com/api/tags
"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

import msgspec
from llmring_types import ModelFacts
from llmring_types.exceptions import (
    ConfigurationError,
    MalformedResponseError,
    ProviderAuthenticationError,
    ProviderConnectionError,
    ProviderResponseError,
)
from llmring_types.hosts import host_of

from llmring_providers._json import DECODE_ERRORS
from llmring_providers._listing import Page
from llmring_providers.transport import HttpRequest, Transport, TransportError

_PROVIDER = "ollama"
_OK = 200
_REFUSED = (401, 403)
_PORT = 11434
_CLOUD = "ollama.com"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, and where to reach it
_IN_PATHS = "/%~:@!$&()*+,;="
_STRAY = re.compile(r"[\s'\"]")


class _Details(msgspec.Struct):
    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None


class _Model(msgspec.Struct):
    name: str | None = None
    model: str | None = None
    size: int | None = None
    details: _Details | None = None


class _Tags(msgspec.Struct):
    models: list[_Model] | None = None


_decode = msgspec.json.Decoder(_Tags).decode


def decode_tags(body: bytes) -> list[ModelFacts]:
    """Translate the answer of ``/api/tags``; ``description`` tells parameters, quantisation and size on disk.

    Raises:
        MalformedResponseError: it is no such answer.
    """
    try:
        tags = _decode(body)
    except DECODE_ERRORS as error:
        raise MalformedResponseError(
            f"the list of models is not what the protocol says: {error}", provider=_PROVIDER, original=error
        ) from error
    return [_facts(name, model) for model in tags.models or () if (name := model.model or model.name)]


class OllamaListing:
    """``GET /api/tags``: what is installed."""

    path = "/api/tags"

    def decode(self, body: bytes) -> Page:
        return Page(decode_tags(body))


async def installed_models(
    transport: Transport, base_url: str | None = None, *, api_key: str = ""
) -> list[ModelFacts]:
    """Ask the server what it has installed.

    Args:
        transport: moves the bytes.
        base_url: in any form of ``OLLAMA_HOST``; none means this machine.
        api_key: for Ollama's cloud.

    Raises:
        ProviderConnectionError: there is no answer; most often Ollama is not running.
        ProviderAuthenticationError: the server wants a key, or another one.
        ProviderResponseError: the answer is something else.
    """
    url = normalise_host(base_url) + "/api/tags"
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        reply = await transport.send(HttpRequest("GET", url, headers))
    except TransportError as error:
        raise ProviderConnectionError(
            f"no answer from {error}; is Ollama running? Start it with: ollama serve",
            provider=_PROVIDER,
            original=error,
        ) from error
    if reply.status != _OK:
        kind = ProviderAuthenticationError if reply.status in _REFUSED else ProviderResponseError
        raise kind(
            f"no list of models: HTTP status {reply.status}; is the base URL that of an Ollama server?",
            provider=_PROVIDER,
            status_code=reply.status,
        )
    return decode_tags(reply.body)


def _facts(name: str, model: _Model) -> ModelFacts:
    details = model.details or _Details()
    facts = [
        f"{details.parameter_size} parameters" if details.parameter_size else None,
        details.quantization_level,
        f"{model.size / 1e9:.1f} GB" if model.size else None,
    ]
    return ModelFacts(
        provider=_PROVIDER,
        model=name,
        family=details.family or None,
        description=", ".join(word for word in facts if word) or None,
        active=True,
    )


def normalise_host(host: str | None) -> str:
    """Return the base URL that a value of ``OLLAMA_HOST`` means, without a slash at its end.

    ``host``, ``host:port``, ``:port``, ``[::1]``, ``host/path`` and full URLs are taken. The port is 11434 unless a
    scheme is given, as for the server's own client; an address to listen on becomes one to connect to.

    Raises:
        ConfigurationError: it is none of them.
    """
    text = (host or "").strip().strip("\"'").strip()
    if not text:
        return str(host_of("ollama").default_url)
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    try:
        parts = _split(scheme.lower(), rest)
        name, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise ConfigurationError(
            f"the address of the Ollama server is not valid ({error}); write it like http://localhost:11434"
        ) from error
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"the Ollama server speaks http or https, not {parts.scheme!r}")
    scheme, name = parts.scheme, _EVERYWHERE.get(name, name)
    if not separator and port is None:
        scheme, port = ("https", None) if name == _CLOUD else (scheme, _PORT)
    user = parts.netloc.rpartition("@")[0]
    netloc = (f"{user}@" if user else "") + _bracketed(name) + ("" if port is None else f":{port}")
    return f"{scheme}://{netloc}{quote(parts.path, safe=_IN_PATHS).rstrip('/')}"


def _split(scheme: str, rest: str) -> SplitResult:
    parts = urlsplit(f"{scheme}://{_bracketed(rest)}")
    if _STRAY.search(parts.netloc):
        raise ValueError("a space or a quote in its name")
    return parts


def _bracketed(name: str) -> str:
    """Return the name as it stands in a URL: an IPv6 address in brackets."""
    return f"[{name}]" if isinstance(_address(name), IPv6Address) else name


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None
