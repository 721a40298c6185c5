"""The root of the errors, and those that need no call: settings, values, lockfiles, the registry, the usage server."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # the response module needs the errors above it
    from llmring_types._response import Attempt


class LLMRingError(Exception):
    """The root. ``message`` says what happened, where, and what to do; it never contains a key.

    Attributes:
        original: the exception this one stands for, if any.
        details: further facts for programs.
        attempts: every pool member tried or skipped before this error was raised.
        run: what was done before it in a run of tools: the ``llmring.tools.Run``; ``None`` for a single call.
    """

    retryable: ClassVar[bool] = False
    fails_over: ClassVar[bool] = False

    def __init__(
        self, message: str, *, original: BaseException | None = None, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.original = original
        self.details = details or {}
        self.attempts: Sequence[Attempt] = ()
        self.run: Any = None

    def __str__(self) -> str:
        return with_command(self.message)

    @property
    def model_name(self) -> str | None:
        """The model that the error is about, where it is about one."""
        name = getattr(self, "model", None)
        return name if isinstance(name, str) else None

    @property
    def root_cause(self) -> BaseException:
        """The error at the bottom: down through ``original`` as far as it goes, or this one."""
        original = self.original
        if original is None:
            return self
        return original.root_cause if isinstance(original, LLMRingError) else original

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments are not in ``args``, so pickle needs to be told how to come back.
        return _restore, (type(self), self.message, self.__dict__)


def with_command(text: str) -> str:
    """Add how to install ``llmring`` to a text that names the command, where it is not there."""
    if "llmring " not in text:
        return text
    import re  # noqa: PLC0415 - few errors name a command
    from importlib.util import find_spec  # noqa: PLC0415 - as above
    from shutil import which  # noqa: PLC0415 - as above

    named = re.search(r"\bllmring (?:bind|files|hosts|keys|list|lock|serve|trust|usage)\b", text)
    if named is None or find_spec("llmring_cli") is not None or which("llmring") is not None:
        return text
    return f"{text} (the command comes with: pip install 'llmring[cli]')"


def _restore(kind: type[LLMRingError], message: str, state: dict[str, Any]) -> LLMRingError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


class ConfigurationError(LLMRingError):
    """A setting is missing or contradicts another."""


class MissingSDKError(ConfigurationError, AttributeError):
    """Raw access needs the vendor's SDK, which is an extra and not installed."""


class UntrustedAddressError(ConfigurationError):
    """A key of the user's own would go to an address that a file of the current folder names. Nothing was sent.

    Attributes:
        file: the file that names the address.
    """

    def __init__(self, message: str, *, file: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.file = file


class CassetteError(ConfigurationError):
    """A recording for tests is missing, or cannot be read or written."""


class CassetteMismatchError(CassetteError):
    """A test and its recording do not agree: a request is not in it, or one that is in it was not made.

    No failover hides it. ``differences`` names the places, as JSON paths, in which the closest request differs.
    """

    def __init__(self, message: str, *, differences: Sequence[str] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.differences = differences


class ValidationError(LLMRingError, ValueError):
    """A value that cannot be right, wherever it is sent."""

    def __init__(self, message: str, *, field: str | None = None, value: object = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.field = field
        self.value = value


class MessageValidationError(ValidationError):
    """A message of a wrong role, type or shape."""


class ModelReferenceError(ValidationError):
    """A text that should be ``provider:model`` and is not."""

    def __init__(self, message: str, *, reference: str, **more: Any) -> None:
        super().__init__(message, field="model", value=reference, **more)
        self.reference = reference


class UnsupportedContentError(ValidationError):
    """A part of the request for which this provider has no place. Nothing was sent."""

    fails_over = True

    def __init__(self, message: str, *, provider: str, part: str, **more: Any) -> None:
        super().__init__(message, field=part, **more)
        self.provider = provider
        self.part = part


# --------------------------------------------------------------------------- lockfile


class LockfileError(LLMRingError):
    """Something about a lockfile.

    Attributes:
        path: the file, where there is one.
        key: the key path inside it, such as ``profiles.dev.bindings[0].models``.
        line: the line, counted from 1, where it is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        key: str | None = None,
        line: int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.path = path
        self.key = key
        self.line = line


class LockfileNotFoundError(LockfileError, FileNotFoundError):
    """There is no lockfile where one was named."""


class LockfileParseError(LockfileError, ValueError):
    """The file is not TOML or JSON, or not the shape of a lockfile."""


class LockfileVersionError(LockfileParseError):
    """The lockfile is of a version that this library does not know."""


class LockfileWriteError(LockfileError, OSError):
    """The lockfile cannot be written: read-only, bundled, or locked by another process."""


class LockfileExistsError(LockfileWriteError, FileExistsError):
    """A lockfile is already there, and nobody said to write over it."""


class ProfileNotFoundError(LockfileError, ValueError):
    """The lockfile has no such profile."""


class RegistryError(LLMRingError):
    """Something about the model registry."""


class RegistryConnectionError(RegistryError):
    """The registry cannot be reached. What was known before stays in use."""


class RegistryNotFoundError(RegistryError):
    """The registry does not publish this provider, or not this version."""


class RegistryValidationError(RegistryError):
    """The registry's document does not follow its protocol."""


class RegistryStaleError(RegistryError):
    """The registry's data is older than allowed. ``age_days`` is infinite where it has no date."""

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        updated_at: str | None = None,
        age_days: float = float("inf"),
        **more: Any,
    ) -> None:
        super().__init__(message, **more)
        self.provider = provider
        self.updated_at = updated_at
        self.age_days = age_days


class ServerError(LLMRingError):
    """Something about the usage server."""

    def __init__(
        self, message: str, *, status_code: int | None = None, endpoint: str | None = None, **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.status_code = status_code
        self.endpoint = endpoint


class ServerConnectionError(ServerError):
    """The usage server cannot be reached."""


class ServerTimeoutError(ServerConnectionError, TimeoutError):
    """The usage server did not answer in time. What was sent to it may have been stored."""


class ServerAuthenticationError(ServerError):
    """The usage server does not take the key."""


class ServerResponseError(ServerError):
    """The usage server refused or its answer is not what its protocol says."""
