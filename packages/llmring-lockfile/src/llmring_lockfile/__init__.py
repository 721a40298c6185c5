"""llmring.lock: read, resolve and edit the file that binds aliases to models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llmring_lockfile._constraints import NEEDS, Constraints, Need, UnmetNeed, unmet_needs
from llmring_lockfile._discovery import (
    Found,
    active_profile,
    discover,
    load,
    new_lockfile_path,
)
from llmring_lockfile._files import BUNDLED
from llmring_lockfile._keys import KeyPath
from llmring_lockfile._model import (
    DEFAULT_PROFILE,
    FORMAT_VERSION,
    LOCKFILE_NAME,
    ActiveProfile,
    Binding,
    LockedModel,
    Lockfile,
    Profile,
)
from llmring_lockfile._names import KNOWN_PROVIDERS, is_reference
from llmring_lockfile._packages import find_package_lockfile
from llmring_lockfile._parse import parse
from llmring_lockfile._project import find_package_directory, find_project_root
from llmring_lockfile._require import has_alias, require_aliases
from llmring_lockfile._resolution import Explanation, Resolution, Step
from llmring_lockfile._resolve import PackageLockfiles, explain, resolve
from llmring_lockfile._resolver import Resolver

if TYPE_CHECKING:
    from llmring_lockfile._document import Document
    from llmring_lockfile._editing import DEFAULT_PROFILES, bind, create_lockfile, editing, unbind
    from llmring_lockfile._edits import Models
    from llmring_lockfile._emit import digest, emit

# What reads and resolves is loaded with the package. What edits and reviews needs tomlkit and more, which take longer
# to import than a lockfile takes to read, so it is loaded when it is first used.
_ON_USE = {
    "DEFAULT_PROFILES": "_editing",
    "Document": "_document",
    "Models": "_edits",
    "bind": "_editing",
    "create_lockfile": "_editing",
    "digest": "_emit",
    "editing": "_editing",
    "emit": "_emit",
    "unbind": "_editing",
}

__all__ = [
    "BUNDLED",
    "DEFAULT_PROFILE",
    "DEFAULT_PROFILES",
    "FORMAT_VERSION",
    "KNOWN_PROVIDERS",
    "LOCKFILE_NAME",
    "NEEDS",
    "ActiveProfile",
    "Binding",
    "Constraints",
    "Document",
    "Explanation",
    "Found",
    "KeyPath",
    "LockedModel",
    "Lockfile",
    "Models",
    "Need",
    "PackageLockfiles",
    "Profile",
    "Resolution",
    "Resolver",
    "Step",
    "UnmetNeed",
    "active_profile",
    "bind",
    "create_lockfile",
    "digest",
    "discover",
    "editing",
    "emit",
    "explain",
    "find_package_directory",
    "find_package_lockfile",
    "find_project_root",
    "has_alias",
    "is_reference",
    "load",
    "new_lockfile_path",
    "parse",
    "require_aliases",
    "resolve",
    "unbind",
    "unmet_needs",
]


def __getattr__(name: str) -> Any:
    module = _ON_USE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value
