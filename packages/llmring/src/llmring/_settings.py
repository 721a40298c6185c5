"""The one module that reads the environment."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from llmring_types.exceptions import ConfigurationError
from msgspec import UNSET, UnsetType

from llmring._policy import RetryPolicy

if TYPE_CHECKING:
    from llmring.registry import Registry

DEFAULT_TIMEOUT_S = 60.0
_RETRY = RetryPolicy()
_HOSTED_SERVER = "https://api.llmring.ai"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_SECRET = frozenset({"KEY", "KEYS", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"})
_LEAST_SECRET = 16
DOTENV_VARIABLE = "LLMRING_DOTENV"
"""Records what an unapproved file has set: :class:`llmring.trust.Origin`."""
_NO_LIMIT = frozenset({"none", "off", "disable", "disabled", "infinite"})


class _Environment(Mapping[str, str]):
    """The environment of the process as it is now. Its ``repr`` shows no value, for tracebacks with locals."""

    def __getitem__(self, name: str) -> str:
        return os.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)

    def __repr__(self) -> str:
        return "<the environment>"


ENVIRONMENT = _Environment()


def config_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the user's configuration: ``$XDG_CONFIG_HOME/llmring``, else ``~/.config/llmring``, if there is a home.

    A relative ``XDG_CONFIG_HOME`` or home is ignored, since it would lie in the working directory
    (https://specifications.freedesktop.org/basedir-spec/latest/).
    """
    base = environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(base):  # noqa: PTH117 - quick
        base = os.path.join(os.path.expanduser("~"), ".config")  # noqa: PTH111, PTH118 - no home is no error
    return Path(base, "llmring") if os.path.isabs(base) else None  # noqa: PTH117


def hosts_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the user's file, ``$XDG_CONFIG_HOME/llmring/hosts.toml``; ``None`` where the user has no home."""
    folder = config_folder(environ)
    return None if folder is None else folder / "hosts.toml"


def keys_file(environ: Mapping[str, str] = ENVIRONMENT) -> Path | None:
    """Return the user's kept keys, ``$XDG_CONFIG_HOME/llmring/keys.json``; ``None`` where the user has no home."""
    folder = config_folder(environ)
    return None if folder is None else folder / "keys.json"


def has_kept_keys(environ: Mapping[str, str] = ENVIRONMENT) -> bool:
    """Return whether the user keeps keys (:mod:`llmring.keys`)."""
    path = keys_file(environ)
    return path is not None and os.path.lexists(path)


def has_user_hosts(environ: Mapping[str, str] = ENVIRONMENT) -> bool:
    """Return whether the user configuration holds a file of hosts (:mod:`llmring.hosts`)."""
    path = hosts_file(environ)
    return path is not None and os.path.isfile(path)  # noqa: PTH113 - of a home into which nobody may look: no


def known_secrets(environ: Mapping[str, str] = ENVIRONMENT) -> frozenset[str]:
    """Return the values of all variables that hold a secret by their name, whoever they are for, and all kept keys.

    A password may be a word of any text (``postgres``), so only of API keys are short ones among them.
    """
    kept = frozenset[str]()
    if has_kept_keys(environ):
        from llmring.keys import open_key_store  # noqa: PLC0415 - most have no such file

        with suppress(ConfigurationError):  # no key of a file that cannot be read was ever used
            kept = open_key_store(environ).in_file()
    return kept.union(
        value.strip()
        for name, value in environ.items()
        if name.upper().endswith("API_KEY")
        or (len(value) >= _LEAST_SECRET and not _SECRET.isdisjoint(name.upper().split("_")))
    )


def open_registry(url: str | None = None, environ: Mapping[str, str] = ENVIRONMENT) -> "Registry":
    """Return the registry of models that a ring of this environment uses. Nothing is fetched.

    Args:
        url: its address; ``None`` takes ``LLMRING_REGISTRY_URL``, then the public registry.
        environ: the environment.

    Raises:
        ValidationError: the address is not allowed (also a ``ValueError``).
    """
    from llmring.registry import Registry, default_cache_dir  # noqa: PLC0415 - most settings are about something else

    return Registry(url or _first(("LLMRING_REGISTRY_URL",), environ), cache_dir=default_cache_dir(environ))


class ServerAccess(msgspec.Struct, frozen=True):
    """Settings of the usage server in the environment. ``url`` is ``None`` where there is none."""

    url: str | None = None
    api_key: str = ""

    def __repr__(self) -> str:
        return f"ServerAccess(url={shown_url(self.url)!r}, key={'set' if self.api_key else 'not set'})"


def server_access(environ: Mapping[str, str] = ENVIRONMENT) -> ServerAccess:
    """Return where rings of this environment report to: ``LLMRING_SERVER_URL`` and ``LLMRING_API_KEY``.

    ``LLMRING_PREFER_SAAS`` stands for the hosted server's URL.
    """
    hosted = _switch(environ, "LLMRING_PREFER_SAAS", otherwise=False)
    url = _first(("LLMRING_SERVER_URL",), environ) or (_HOSTED_SERVER if hosted else None)
    return ServerAccess(url, _first(("LLMRING_API_KEY",), environ) or "")


def usage_log_path(environ: Mapping[str, str] = ENVIRONMENT) -> Path | None:
    """Return the local usage log that rings of this environment write: ``LLMRING_USAGE_LOG``; ``None`` for none."""
    path = _first(("LLMRING_USAGE_LOG",), environ)
    if path is None:
        return None
    from llmring.trust._origin import absolute_path  # noqa: PLC0415 - most have no log

    return absolute_path("LLMRING_USAGE_LOG", path)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a ring in the environment. Arguments of :class:`LLMRing` come before them."""

    timeout: float | None = DEFAULT_TIMEOUT_S
    retry: RetryPolicy = _RETRY
    strict_cost: bool = False
    server: ServerAccess = ServerAccess()
    usage_log: Path | None = None
    capture_content: bool = False
    proxies: bool = False
    allow_network: bool = True
    max_response_bytes: int | UnsetType | None = UNSET

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = ENVIRONMENT) -> "Settings":
        """Read the settings.

        Raises:
            ConfigurationError: a variable has a value of the wrong kind; the text names it.
        """
        if DOTENV_VARIABLE in environ:
            from llmring.trust._origin import check_numbers  # noqa: PLC0415 - most folders have no .env file

            check_numbers(environ)
        return cls(
            timeout=_timeout(environ),
            retry=RetryPolicy(
                attempts=max(1, int(_number(environ, "LLMRING_RETRY_ATTEMPTS", _RETRY.attempts))),
                base_s=_number(environ, "LLMRING_RETRY_BASE_S", _RETRY.base_s),
                max_s=_number(environ, "LLMRING_RETRY_MAX_S", _RETRY.max_s),
            ),
            strict_cost=_switch(environ, "LLMRING_STRICT_COST", otherwise=False),
            server=server_access(environ),
            usage_log=usage_log_path(environ),
            allow_network=_switch(environ, "LLMRING_ALLOW_NETWORK", otherwise=True),
            capture_content=_capture_content(environ),
            max_response_bytes=_max_response_bytes(environ),
            proxies=any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in environ),
        )


def shown_url(url: str | None) -> str | None:
    """Return an address without its password and its query."""
    if url is None or not {"@", "?"} & set(url):
        return url
    from llmring_providers import without_credentials  # noqa: PLC0415 - it brings every adapter's base

    return without_credentials(url)


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> str | None:
    found = first_set(names, environ)
    return found and found[1]


def first_set(names: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the first of these variables that is set, and its value."""
    for name in names:
        value = environ.get(name, "").strip()
        if value:
            return name, value
    return None


def _switch(environ: Mapping[str, str], name: str, *, otherwise: bool) -> bool:
    """Read a switch. What is neither on nor off is refused: a misspelt guard must not be off in silence."""
    word = environ.get(name, "").strip().lower()
    if not word:
        return otherwise
    if word not in _TRUE | _FALSE:
        raise ConfigurationError(f"{name}={word!r} is neither on nor off: set it to 1 or 0")
    return word in _TRUE


def _capture_content(environ: Mapping[str, str]) -> bool:
    """OpenTelemetry's own opt-in; its values that ask for events alone are not for spans."""
    wish = environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower()
    return wish in _TRUE or wish in ("span_only", "span_and_event")


def _max_response_bytes(environ: Mapping[str, str]) -> int | UnsetType | None:
    text = environ.get("LLMRING_MAX_RESPONSE_BYTES", "").strip()
    if not text:
        return UNSET
    if text.lower() in _NO_LIMIT:
        return None
    if not text.isdecimal() or not int(text):
        raise ConfigurationError(
            f"LLMRING_MAX_RESPONSE_BYTES={text!r} is not a number of bytes of 1 or more, or none; correct or unset it"
        )
    return int(text)


def _timeout(environ: Mapping[str, str]) -> float | None:
    if environ.get("LLMRING_PROVIDER_TIMEOUT_S", "").strip().lower() in _NO_LIMIT:
        return None
    return _number(environ, "LLMRING_PROVIDER_TIMEOUT_S", DEFAULT_TIMEOUT_S)


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip() or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ConfigurationError(f"{name}={text!r} is not a number of 0 or more; correct or unset it")
    return value
