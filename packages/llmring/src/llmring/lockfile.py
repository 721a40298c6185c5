"""The lockfile classes of llmring 1.4, which change in place; new code edits with :func:`llmring_lockfile.editing`.

A :class:`Lockfile` here is a copy of a file's content. :meth:`Lockfile.save` writes what differs into the file, so
that its comments, its unknown keys and whatever llmring 1.4 did not know stay.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import llmring_lockfile
import msgspec
from llmring_lockfile import (
    BUNDLED,
    DEFAULT_PROFILE,
    FORMAT_VERSION,
    LOCKFILE_NAME,
    Document,
    find_package_lockfile,
    installed_lockfile,
)
from llmring_types import ModelRef

__all__ = ["AliasBinding", "ExtendsConfig", "Lockfile", "ProfileConfig", "discover_package_lockfile"]

discover_package_lockfile = find_package_lockfile


class AliasBinding(msgspec.Struct):
    """An alias and its pool, best model first."""

    alias: str
    models: list[str]
    constraints: dict[str, Any] | None = None

    @property
    def model_ref(self) -> str:
        """The first model of the pool."""
        return self.models[0]

    @property
    def provider(self) -> str:
        return ModelRef.parse(self.model_ref).provider

    @property
    def model(self) -> str:
        return ModelRef.parse(self.model_ref).model

    @classmethod
    def from_model_refs(
        cls, alias: str, model_refs: str | Sequence[str], constraints: dict[str, Any] | None = None
    ) -> Self:
        """Return a binding to models, which may be one text with commas.

        Raises:
            ModelReferenceError: one is not a ``provider:model``, or there is none (also a ``ValueError``).
        """
        document = Document("")
        document.bind(alias, model_refs, profile=DEFAULT_PROFILE)
        (bound,) = document.lockfile.profile(DEFAULT_PROFILE).bindings
        return cls(alias, [str(ref) for ref in bound.models], constraints)


class ProfileConfig(msgspec.Struct):
    """A named set of bindings."""

    name: str
    bindings: list[AliasBinding] = []
    registry_versions: dict[str, int] = {}

    def get_binding(self, alias: str) -> AliasBinding | None:
        return next((each for each in self.bindings if each.alias == alias), None)

    def set_binding(
        self, alias: str, model_refs: str | Sequence[str], constraints: dict[str, Any] | None = None
    ) -> None:
        """Bind an alias, in place of what it was bound to."""
        binding = AliasBinding.from_model_refs(alias, model_refs, constraints)
        self.bindings = [*(each for each in self.bindings if each.alias != alias), binding]

    def remove_binding(self, alias: str) -> bool:
        """Take an alias out; ``False`` where it is not bound."""
        before = len(self.bindings)
        self.bindings = [each for each in self.bindings if each.alias != alias]
        return len(self.bindings) < before


class ExtendsConfig(msgspec.Struct):
    """The packages whose aliases may be used as ``package:alias``."""

    packages: list[str] = []


class Lockfile(msgspec.Struct, kw_only=True):
    """The content of a lockfile, to be changed and saved.

    Attributes:
        version: of the format.
        default_profile: used where none is named.
        profiles: by name.
        metadata: anything; written when the file is made.
        extends: the packages that it extends.
        file_path: where it was read from, and where :meth:`save` writes.
    """

    version: str = FORMAT_VERSION
    default_profile: str = DEFAULT_PROFILE
    profiles: dict[str, ProfileConfig] = {}
    metadata: dict[str, Any] = {}
    extends: ExtendsConfig = msgspec.field(default_factory=ExtendsConfig)
    file_path: Path | None = None

    @classmethod
    def create_default(cls) -> Self:
        """Return a lockfile with the empty profiles ``default``, ``prod``, ``staging`` and ``dev``."""
        return cls(
            profiles={name: ProfileConfig(name) for name in (DEFAULT_PROFILE, "prod", "staging", "dev")}
        )

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """Read a file, ``./llmring.lock`` without a path; the default content where there is none.

        Raises:
            LockfileParseError: it is not a lockfile (also a ``ValueError``).
        """
        place = Path(path or LOCKFILE_NAME)
        return cls._of(llmring_lockfile.load(place)) if place.exists() else cls.create_default()

    @classmethod
    def get_package_lockfile_path(cls) -> Path:
        """Return the lockfile that comes with llmring."""
        return BUNDLED

    @classmethod
    def load_package_lockfile(cls) -> Self:
        return cls.load(BUNDLED)

    @classmethod
    def find_project_root(cls, start_path: str | Path | None = None) -> Path | None:
        return llmring_lockfile.find_project_root(Path(start_path or Path.cwd()))

    @classmethod
    def find_package_directory(cls, start_path: str | Path | None = None) -> Path | None:
        return llmring_lockfile.find_package_directory(Path(start_path or Path.cwd()))

    def save(self, path: str | Path | None = None) -> None:
        """Write the content: to the path, else where it was read from, else to ``./llmring.lock``.

        Raises:
            OSError: it cannot be written.
            ValueError: an alias, a model or a constraint is not valid; nothing is written.
        """
        place = Path(path or self.file_path or LOCKFILE_NAME)
        content = self._frozen()  # refuses what is not valid before anything is written
        if not place.exists():
            text = llmring_lockfile.emit(content, as_json=place.suffix == ".json")
            llmring_lockfile.write_atomically(place, text.encode())
            return
        with llmring_lockfile.editing(place) as document:
            _apply(content, document)

    def get_profile(self, name: str | None = None) -> ProfileConfig:
        """Return a profile, made where it does not exist."""
        wanted = name or self.default_profile
        return self.profiles.setdefault(wanted, ProfileConfig(wanted))

    def set_binding(
        self,
        alias: str,
        model_refs: str | Sequence[str],
        profile: str | None = None,
        constraints: dict[str, Any] | None = None,
    ) -> None:
        self.get_profile(profile).set_binding(alias, model_refs, constraints)

    def get_binding(self, alias: str, profile: str | None = None) -> AliasBinding | None:
        found = self.profiles.get(profile or self.default_profile)
        return None if found is None else found.get_binding(alias)

    def list_aliases(self, profile: str | None = None) -> list[str]:
        found = self.profiles.get(profile or self.default_profile)
        return [] if found is None else [each.alias for each in found.bindings]

    def resolve_alias(self, alias: str, profile: str | None = None) -> list[str]:
        """Return the pool of an alias, or of ``package:alias``; nothing where it is not bound."""
        return self._frozen().resolve_alias(alias, profile)

    def has_alias(self, alias: str, profile: str | None = None) -> bool:
        return bool(self.resolve_alias(alias, profile))

    def require_aliases(
        self, required: Sequence[str], profile: str | None = None, context: str | None = None
    ) -> None:
        """Make sure that all of these are bound.

        Raises:
            AliasNotFoundError: one error that names all that are missing (also a ``ValueError``).
        """
        llmring_lockfile.require_aliases(
            self._frozen(), required, profile, context=context, packages=installed_lockfile
        )

    def calculate_digest(self) -> str:
        """Return the hash of what the lockfile means; timestamps do not count."""
        return llmring_lockfile.digest(self._frozen())

    @classmethod
    def _of(cls, found: llmring_lockfile.Lockfile) -> Self:
        plain = msgspec.json.decode(llmring_lockfile.emit(found, as_json=True))
        known = {name: plain[name] for name in cls.__struct_fields__ if name in plain}
        return msgspec.structs.replace(msgspec.convert(known, cls), file_path=found.path)

    def _frozen(self) -> llmring_lockfile.Lockfile:
        plain = msgspec.structs.replace(self, file_path=None)
        found = llmring_lockfile.parse(msgspec.json.encode(plain).decode(), "llmring.lock.json")
        return msgspec.structs.replace(found, path=self.file_path)


def _apply(content: llmring_lockfile.Lockfile, document: Document) -> None:
    """Make a file say what the content says; profiles that the content lacks stay, without their bindings."""
    for name, present in document.lockfile.profiles.items():
        wanted = content.profiles.get(name)
        for alias in present.aliases:
            if wanted is None or wanted.binding(alias) is None:
                document.unbind(alias, profile=name)
    for name, profile in content.profiles.items():
        document.create_profile(name)
        for binding in profile.bindings:
            document.bind(binding.alias, binding.models, profile=name, constraints=binding.constraints)
        document.set_registry_versions(profile.registry_versions, profile=name)
    document.set_extends(content.extends)
    if content.default_profile in content.profiles:
        document.set_default_profile(content.default_profile)
