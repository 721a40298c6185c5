"""The forms of ``OLLAMA_HOST`` as a base URL: https://docs.ollama.com/faq"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from llmring_types.exceptions import ConfigurationError
from llmring_types.hosts import host_of

_PORT = 11434
_CLOUD = "ollama.com"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, and where to reach it
_IN_PATHS = "/%~:@!$&()*+,;="
_STRAY = re.compile(r"[\s'\"]")


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
