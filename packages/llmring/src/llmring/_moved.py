"""Import paths of llmring 1.4: their names, each of which reports once where it is now."""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module


def moved(module: str, names: Mapping[str, str], *, stacklevel: int = 2) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a module whose names are elsewhere now.

    Args:
        module: its own name.
        names: each name to its place, such as ``llmring_lockfile.Profile``.
        stacklevel: 3 where the module has a ``__getattr__`` of its own that calls this one.
    """

    def get(name: str) -> object:
        place = names.get(name)
        if place is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(f"{module}.{name} is {place} now", DeprecationWarning, stacklevel=stacklevel)
        home, _, new_name = place.rpartition(".")
        return getattr(import_module(home), new_name)

    return get


original = moved(
    "llmring",
    {
        "BaseLLMProvider": "llmring_providers.Provider",
        "FileMetadata": "llmring_providers.files.StoredFile",
        "FileUploadResponse": "llmring_providers.files.StoredFile",
    },
    stacklevel=3,
)
"""Names of the package that are elsewhere now."""

_ERRORS = "llmring_types.exceptions"
exceptions = moved(
    "llmring.exceptions",
    {
        **dict.fromkeys(
            ("ConversationError", "SessionError", "SessionExpiredError", "SessionNotFoundError"),
            f"{_ERRORS}.ConversationNotFoundError",
        ),
        **dict.fromkeys(
            ("FileProcessingError", "FileSizeError", "InvalidFileFormatError", "SchemaValidationError"),
            f"{_ERRORS}.ValidationError",
        ),
        **dict.fromkeys(
            (
                "InitializationError",
                "MCPError",
                "MCPInitializationError",
                "MCPProtocolError",
                "MCPResourceError",
                "MCPServerError",
                "MCPTransportError",
            ),
            f"{_ERRORS}.ConfigurationError",
        ),
        **dict.fromkeys(
            ("MCPToolError", "ToolError", "ToolExecutionError", "ToolNotFoundError", "ToolValidationError"),
            "llmring.tools.ToolError",
        ),
        **dict.fromkeys(("ConnectionError", "NetworkError"), f"{_ERRORS}.ProviderConnectionError"),
        "ConversationAccessError": f"{_ERRORS}.ServerAuthenticationError",
        "FileAccessError": "builtins.OSError",
        "MessageError": f"{_ERRORS}.MessageValidationError",
        "MessageStorageError": f"{_ERRORS}.ServerError",
        "TimeoutError": f"{_ERRORS}.ProviderTimeoutError",
    },
    stacklevel=3,
)
"""Errors that are raised no more, each to the one that is raised in its place."""
