"""The import path of constants in llmring 1.4: ``llmring_lockfile`` now."""

from llmring._moved import moved

__getattr__ = moved(
    __name__,
    {
        "DEFAULT_PROFILE": "llmring_lockfile.DEFAULT_PROFILE",
        "KNOWN_PROVIDERS": "llmring_lockfile.KNOWN_PROVIDERS",
        "LOCKFILE_NAME": "llmring_lockfile.LOCKFILE_NAME",
    },
)
