"""API keys that a person keeps in the user configuration, so that no shell profile and no ``.env`` has to hold them.

``keys.json`` is readable for its owner alone. With the extra ``keyring`` a key may lie in the system's keyring
instead; the file then holds only its name. A variable of the environment, or of a ``.env`` file, comes before a kept
key.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from llmring_lockfile import write_atomically
from llmring_types.exceptions import ConfigurationError

from llmring._settings import ENVIRONMENT, keys_file
from llmring.trust import read_content

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["KeyPlace", "KeyStore", "open_key_store"]

KeyPlace = Literal["file", "keyring"]
_SERVICE = "llmring"
_MAX_LENGTH = 16 * 1024  # tokens of clouds have up to 4 KiB; a pasted document is no key


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    """The file: keys by provider, and the providers whose key is in the keyring."""

    keys: dict[str, str] = {}
    keyring: list[str] = []


class KeyStore(Mapping[str, str]):
    """The kept keys, by provider. A key of the keyring is fetched when it is looked up, not before.

    Args:
        path: the file; ``None`` where the user has no home, so that there are no keys and none can be kept.

    Raises:
        ConfigurationError: the file cannot be read.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._content = _read(path)

    def __getitem__(self, provider: str) -> str:
        """Return a key.

        Raises:
            KeyError: none is kept.
            ConfigurationError: the keyring cannot be asked, or has lost it.
        """
        if provider not in self._content.keyring:
            return self._content.keys[provider]
        key = _in_keyring("get_password", provider)
        if key is None:
            raise ConfigurationError(
                f"the system's keyring has no key of {provider} any more; run: llmring keys set {provider}"
            )
        return key

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._content.keys, *self._content.keyring}))

    def __len__(self) -> int:
        return len({*self._content.keys, *self._content.keyring})

    def __contains__(self, provider: object) -> bool:
        return provider in self._content.keys or provider in self._content.keyring

    def __repr__(self) -> str:
        return f"KeyStore({str(self.path)!r}, keys of {', '.join(self) or 'nobody'})"

    def place(self, provider: str) -> KeyPlace | None:
        """Return where a provider's key lies; ``None`` where none is kept. The keyring is not asked."""
        if provider in self._content.keyring:
            return "keyring"
        return "file" if provider in self._content.keys else None

    def in_file(self) -> frozenset[str]:
        """Return the keys that the file holds, to be kept out of texts."""
        return frozenset(self._content.keys.values())

    def keep(self, provider: str, key: str, *, place: KeyPlace = "file") -> Path:
        """Keep a key, instead of the one before; return the file.

        Raises:
            ConfigurationError: it is no key, there is no home folder, or no keyring.
            OSError: the file cannot be written.
        """
        path = self._writable()
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key or len(key) > _MAX_LENGTH:
            raise ConfigurationError(
                f"that is no key of {provider}: one line of printable characters without blanks is expected"
            )
        before = self.place(provider)
        if place == "keyring":
            _in_keyring("set_password", provider, key)
        self._forget(provider)
        if place == "keyring":
            self._content.keyring.append(provider)
        else:
            self._content.keys[provider] = key
        self._write(path)
        if before == "keyring" and place == "file":
            _in_keyring("delete_password", provider)
        return path

    def remove(self, provider: str) -> bool:
        """Remove a key; return whether there was one.

        Raises:
            ConfigurationError: the keyring cannot be asked.
            OSError: the file cannot be written.
        """
        place = self.place(provider)
        if place is None:
            return False
        path = self._writable()
        if place == "keyring":
            _in_keyring("delete_password", provider)
        self._forget(provider)
        self._write(path)
        return True

    def _forget(self, provider: str) -> None:
        self._content.keys.pop(provider, None)
        self._content.keyring = [name for name in self._content.keyring if name != provider]

    def _writable(self) -> Path:
        if self.path is None:
            raise ConfigurationError("keys are kept in the home folder, and there is none; set HOME")
        return self.path

    def _write(self, path: Path) -> None:
        text = msgspec.json.format(msgspec.json.encode(self._content, order="sorted"))
        write_atomically(path, text + b"\n", private=True, folders=True, follow=True)


def open_key_store(environ: Mapping[str, str] = ENVIRONMENT) -> KeyStore:
    """Return the user's kept keys, ``keys.json`` in the configuration folder.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    return KeyStore(keys_file(environ))


def _read(path: Path | None) -> _Content:
    if path is None or not os.path.lexists(path):
        return _Content()
    try:
        return msgspec.json.decode(read_content(path), type=_Content)
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        # No cause: the text of a decoder may quote what it read, and so may a traceback with locals.
        reason = error.strerror if isinstance(error, OSError) else "it is not the JSON that llmring writes"
        raise ConfigurationError(f"cannot read {path}: {reason}; correct or remove it") from None


def _in_keyring(
    action: Literal["get_password", "set_password", "delete_password"], provider: str, *key: str
) -> str | None:
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to import
        from keyring.errors import KeyringError, PasswordDeleteError  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigurationError(
            f"the key of {provider} in the system's keyring needs: pip install 'llmring[keyring]'",
            original=error,
        ) from error
    backend: KeyringBackend = keyring.get_keyring()
    try:
        found: str | None = getattr(backend, action)(_SERVICE, provider, *key)
    except PasswordDeleteError:  # it is gone already
        return None
    except KeyringError as error:
        raise ConfigurationError(
            f"the system's keyring cannot be used ({type(error).__name__}); keep the key in the file instead: "
            f"llmring keys set {provider}"
        ) from error
    return found
