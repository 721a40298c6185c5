"""The import path of lockfiles in llmring 1.4: :mod:`llmring.lockfile`, and ``llmring_lockfile`` for new code."""

from llmring._moved import moved
from llmring.lockfile import AliasBinding, ExtendsConfig, Lockfile, ProfileConfig, discover_package_lockfile

__all__ = ["AliasBinding", "ExtendsConfig", "Lockfile", "ProfileConfig", "discover_package_lockfile"]

__getattr__ = moved(
    __name__,
    {
        "find_package_directory": "llmring_lockfile.find_package_directory",
        "find_project_root": "llmring_lockfile.find_project_root",
    },
)
