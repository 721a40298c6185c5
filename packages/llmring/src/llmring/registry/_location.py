"""The address of a registry: which addresses are allowed, and the paths of documents below them."""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from llmring_types.exceptions import ValidationError

DEFAULT_URL = "https://llmring.github.io/registry"

_LOOPBACK = re.compile(r"localhost|(?:[^.]+\.)+localhost|127(?:\.\d{1,3}){3}|::1")
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_.-]*")


class Location(NamedTuple):
    """A registry's base address, without a slash at its end."""

    base: str

    @classmethod
    def parse(cls, url: str | None) -> "Location":
        """Check an address; ``None`` or an empty one is the public registry.

        Allowed are ``https://``, ``http://`` on this machine only, and ``file:///absolute/path``.

        Raises:
            ValidationError: any other address, or one with a user, a query or a fragment (also a ``ValueError``).
        """
        if not url:
            return cls(DEFAULT_URL)
        try:
            parts = urlsplit(url)
        except ValueError:  # such as a bracket that is not closed
            parts = urlsplit("")
        if parts.username is not None or parts.password is not None:
            raise ValidationError(
                "registry_url must not contain a user or password: it is written to the cache and to messages",
                field="registry_url",
            )
        host = parts.hostname or ""
        allowed = {
            "https": bool(host),
            "http": _LOOPBACK.fullmatch(host) is not None,
            "file": host in ("", "localhost") and parts.path.startswith("/"),
        }
        if parts.query or parts.fragment or not allowed.get(parts.scheme, False):
            raise ValidationError(
                f"registry_url {url!r} is not allowed: use https://host/path, file:///absolute/path, or http:// "
                "on this machine (localhost, 127.0.0.1, [::1])",
                field="registry_url",
                value=url,
            )
        return cls(url.rstrip("/"))

    @property
    def folder(self) -> Path | None:
        """The folder of a ``file://`` registry."""
        parts = urlsplit(self.base)
        if parts.scheme != "file":
            return None
        # file:///C:/registry is a path with a drive.
        return Path(re.sub(r"^/(?=[A-Za-z]:)", "", unquote(parts.path)))

    def document(self, provider: str, version: int | None = None) -> str:
        """Return the address of the provider's current document, or of an archived version."""
        return f"{self.base}/{document_path(provider, version)}"


def document_path(provider: str, version: int | None = None) -> str:
    """Return where a document lies below the base.

    Raises:
        ValidationError: no provider has such a name, or no version such a number.
    """
    if not is_provider_name(provider):
        raise ValidationError(f"{provider!r} is not a provider name", field="provider", value=provider)
    if version is None:
        return f"{provider}/models.json"
    if version < 1:
        raise ValidationError(
            f"registry versions count from 1; got {version}", field="version", value=version
        )
    return f"{provider}/v/{version}/models.json"


def is_provider_name(text: str) -> bool:
    """Return whether the text can be a provider's name, and so a part of an address and of a file name."""
    return _PROVIDER.fullmatch(text) is not None
