"""The forms of ``OLLAMA_HOST`` as a base URL: https://docs.ollama.com/faq"""

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import quote, urlsplit

from llmring_types.exceptions import ConfigurationError

BASE_URL = "http://localhost:11434"
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
        return BASE_URL
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    try:
        if "[" not in rest and isinstance(_address(rest), IPv6Address):
            rest = f"[{rest}]"
        parts = urlsplit(f"{scheme.lower()}://{rest}")
        name, port = parts.hostname or "127.0.0.1", parts.port
        if _STRAY.search(parts.netloc):
            raise ValueError("a space or a quote in its name")  # noqa: TRY301 - like what urllib finds
    except ValueError as error:
        raise ConfigurationError(
            f"the address of the Ollama server is not valid ({error}); write it like http://localhost:11434"
        ) from error
    if parts.scheme not in ("http", "https"):
        raise ConfigurationError(f"the Ollama server speaks http or https, not {parts.scheme!r}")
    scheme, name = parts.scheme, _EVERYWHERE.get(name, name)
    if not separator and port is None:
        if name == _CLOUD:
            scheme = "https"
        else:
            port = _PORT
    if isinstance(_address(name), IPv6Address):
        name = f"[{name}]"
    user = parts.netloc.rpartition("@")[0]
    netloc = f"{user}@{name}" if user else name
    path = quote(parts.path, safe=_IN_PATHS).rstrip("/")
    return f"{scheme}://{netloc}{f':{port}' if port is not None else ''}{path}"


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None
