"""The import path of lockfiles in llmring 1.4: ``llmring_lockfile`` now."""

from llmring._moved import moved

__getattr__ = moved(
    __name__,
    {
        "AliasBinding": "llmring_lockfile.Binding",
        "Lockfile": "llmring_lockfile.Lockfile",
        "ProfileConfig": "llmring_lockfile.Profile",
        "discover_package_lockfile": "llmring_lockfile.find_package_lockfile",
        "find_package_directory": "llmring_lockfile.find_package_directory",
        "find_project_root": "llmring_lockfile.find_project_root",
    },
)
