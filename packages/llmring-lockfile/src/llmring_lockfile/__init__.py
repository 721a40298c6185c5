"""llmring.lock: read, resolve, edit and review the file that binds aliases to models."""

from typing import TYPE_CHECKING

from llmring_types.lazy import load_on_use

if TYPE_CHECKING:
    from llmring_lockfile._atomic import replacing, write_atomically
    from llmring_lockfile._audit import UNLISTED_PROVIDERS, Validation, audit, validate
    from llmring_lockfile._check import Check, check
    from llmring_lockfile._diff import Change, diff
    from llmring_lockfile._discovery import Found, discover, load, new_lockfile_path
    from llmring_lockfile._document import Document, Models
    from llmring_lockfile._editing import DEFAULT_PROFILES, bind, create_lockfile, editing, unbind
    from llmring_lockfile._emit import digest, emit, stubs
    from llmring_lockfile._files import BUNDLED, active_profile, find_project_root
    from llmring_lockfile._findings import RULES, Finding, Place, Severity, has_errors, to_sarif, with_lines
    from llmring_lockfile._lock import FactsOf, RegistryRelease, embedding_model, lock_models
    from llmring_lockfile._model import (
        DEFAULT_PROFILE,
        FORMAT_VERSION,
        LOCKFILE_NAME,
        NEEDS,
        ActiveProfile,
        Binding,
        Constraints,
        HostEntry,
        LockedModel,
        Lockfile,
        Need,
        Profile,
        UnmetNeed,
        unmet_needs,
    )
    from llmring_lockfile._names import (
        KNOWN_PROVIDERS,
        KeyPath,
        did_you_mean,
        is_reference,
        near_providers,
        nearest,
    )
    from llmring_lockfile._parse import parse
    from llmring_lockfile._project import (
        find_package_directory,
        find_package_lockfile,
        installed_lockfile,
    )
    from llmring_lockfile._resolution import Explanation, Resolution, Step
    from llmring_lockfile._resolve import (
        PackageLockfiles,
        explain,
        has_alias,
        known_aliases,
        require_aliases,
        resolve,
    )
    from llmring_lockfile._resolver import Resolver
    from llmring_lockfile._sarif import SarifPlace, SarifResult, sarif_log
    from llmring_lockfile._scan import ALIAS_PARAMETERS, AliasUse, Scan, scan
    from llmring_lockfile._sources import read_files, read_sources
    from llmring_lockfile._upgrade import Upgrade, apply_upgrades, propose_upgrades


__all__ = [
    "ALIAS_PARAMETERS",
    "BUNDLED",
    "DEFAULT_PROFILE",
    "DEFAULT_PROFILES",
    "FORMAT_VERSION",
    "KNOWN_PROVIDERS",
    "LOCKFILE_NAME",
    "NEEDS",
    "RULES",
    "UNLISTED_PROVIDERS",
    "ActiveProfile",
    "AliasUse",
    "Binding",
    "Change",
    "Check",
    "Constraints",
    "Document",
    "Explanation",
    "FactsOf",
    "Finding",
    "Found",
    "HostEntry",
    "KeyPath",
    "LockedModel",
    "Lockfile",
    "Models",
    "Need",
    "PackageLockfiles",
    "Place",
    "Profile",
    "RegistryRelease",
    "Resolution",
    "Resolver",
    "SarifPlace",
    "SarifResult",
    "Scan",
    "Severity",
    "Step",
    "UnmetNeed",
    "Upgrade",
    "Validation",
    "active_profile",
    "apply_upgrades",
    "audit",
    "bind",
    "check",
    "create_lockfile",
    "did_you_mean",
    "diff",
    "digest",
    "discover",
    "editing",
    "embedding_model",
    "emit",
    "explain",
    "find_package_directory",
    "find_package_lockfile",
    "find_project_root",
    "has_alias",
    "has_errors",
    "installed_lockfile",
    "is_reference",
    "known_aliases",
    "load",
    "lock_models",
    "near_providers",
    "nearest",
    "new_lockfile_path",
    "parse",
    "propose_upgrades",
    "read_files",
    "read_sources",
    "replacing",
    "require_aliases",
    "resolve",
    "sarif_log",
    "scan",
    "stubs",
    "to_sarif",
    "unbind",
    "unmet_needs",
    "validate",
    "with_lines",
    "write_atomically",
]

if not TYPE_CHECKING:
    # Tooling uses one end of this package or the other, and the modules of each take longer to import than a lockfile
    # takes to read. So each name is loaded when it is first used.
    __getattr__, __dir__ = load_on_use(
        globals(),
        {
            "llmring_lockfile._atomic": ("replacing", "write_atomically"),
            "llmring_lockfile._audit": ("UNLISTED_PROVIDERS", "Validation", "audit", "validate"),
            "llmring_lockfile._check": ("Check", "check"),
            "llmring_lockfile._diff": ("Change", "diff"),
            "llmring_lockfile._discovery": ("Found", "discover", "load", "new_lockfile_path"),
            "llmring_lockfile._document": ("Document", "Models"),
            "llmring_lockfile._editing": ("DEFAULT_PROFILES", "bind", "create_lockfile", "editing", "unbind"),
            "llmring_lockfile._emit": ("digest", "emit", "stubs"),
            "llmring_lockfile._files": ("BUNDLED", "active_profile", "find_project_root"),
            "llmring_lockfile._findings": (
                "RULES",
                "Finding",
                "Place",
                "Severity",
                "has_errors",
                "to_sarif",
                "with_lines",
            ),
            "llmring_lockfile._lock": ("FactsOf", "RegistryRelease", "embedding_model", "lock_models"),
            "llmring_lockfile._model": (
                "DEFAULT_PROFILE",
                "HostEntry",
                "FORMAT_VERSION",
                "LOCKFILE_NAME",
                "NEEDS",
                "ActiveProfile",
                "Binding",
                "Constraints",
                "LockedModel",
                "Lockfile",
                "Need",
                "Profile",
                "UnmetNeed",
                "unmet_needs",
            ),
            "llmring_lockfile._names": (
                "KNOWN_PROVIDERS",
                "KeyPath",
                "did_you_mean",
                "is_reference",
                "near_providers",
                "nearest",
            ),
            "llmring_lockfile._parse": ("parse",),
            "llmring_lockfile._project": (
                "find_package_directory",
                "find_package_lockfile",
                "installed_lockfile",
            ),
            "llmring_lockfile._resolution": ("Explanation", "Resolution", "Step"),
            "llmring_lockfile._resolve": (
                "PackageLockfiles",
                "explain",
                "has_alias",
                "known_aliases",
                "require_aliases",
                "resolve",
            ),
            "llmring_lockfile._resolver": ("Resolver",),
            "llmring_lockfile._sarif": ("SarifPlace", "SarifResult", "sarif_log"),
            "llmring_lockfile._scan": ("ALIAS_PARAMETERS", "AliasUse", "Scan", "scan"),
            "llmring_lockfile._sources": ("read_files", "read_sources"),
            "llmring_lockfile._upgrade": ("Upgrade", "apply_upgrades", "propose_upgrades"),
        },
    )
