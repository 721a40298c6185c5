"""Find the aliases that Python code uses, without running it."""

import ast
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from llmring_lockfile._model import Lockfile
from llmring_lockfile._names import KNOWN_PROVIDERS, is_reference
from llmring_lockfile._resolve import PackageLockfiles, known_aliases, no_packages

DEFAULT_ALIAS: Final = "default"
"""The alias of a request that names no model."""

_REQUEST = "LLMRequest"
_MODEL_POSITION = 1
_RING = "LLMRing"

ALIAS_PARAMETERS: Final[Mapping[str, str]] = {
    "chat_with_alias": "alias_or_model",
    "facts": "model",
    "get_enhanced_model_info": "alias_or_model",
    "get_model_info": "alias_or_model",
    "has_alias": "alias",
    "pool": "alias_or_model",
    "require_aliases": "aliases",
    "resolve_alias": "alias_or_model",
}
"""The methods of ``llmring.LLMRing`` that look an alias up, and the first parameter of each, which takes it.

Requests aside, they are all: a test compares them with the signatures. Functions of this package with such a name
take the lockfile first.
"""
_OF_RINGS_ONLY = frozenset(name for name in ALIAS_PARAMETERS if "alias" not in name)
"""Names that other objects have too: they count where the object is, by its name or its file, a ring."""


class AliasUse(msgspec.Struct, frozen=True, order=True):
    """A place in code that names an alias. ``alias`` is ``None`` where only running the code would tell."""

    path: Path
    line: int
    column: int
    alias: str | None


class Scan(msgspec.Struct, frozen=True):
    """The result of :func:`scan`.

    Attributes:
        missing: uses of aliases that the lockfile lacks.
        unused: aliases that are bound and that no code names. Not certain where ``dynamic`` is not empty.
        uses: every use whose alias is known.
        dynamic: uses whose alias is computed.
        unread: files that could not be read, or are not valid Python.
    """

    missing: tuple[AliasUse, ...]
    unused: tuple[str, ...]
    uses: tuple[AliasUse, ...]
    dynamic: tuple[AliasUse, ...]
    unread: tuple[Path, ...]


def scan(
    lockfile: Lockfile,
    sources: Iterable[tuple[Path, str | None]],
    profile: str | None = None,
    *,
    providers: Collection[str] = KNOWN_PROVIDERS,
    packages: PackageLockfiles = no_packages,
) -> Scan:
    """Compare the aliases that code uses with those that a lockfile binds.

    Uses are: the ``model`` of ``LLMRequest(...)`` and ``ring.ask(...)`` (none means the alias ``default``),
    ``x.model = "..."`` on a name that holds a request, and the arguments of :data:`ALIAS_PARAMETERS`. A name that is
    assigned one string in its file stands for it.

    Args:
        lockfile: the lockfile.
        sources: files and their text; see :func:`llmring_lockfile.read_sources`.
        profile: the aliases of this one; ``None`` takes those of every profile.
        providers: names that make a direct reference, which is not an alias.
        packages: gives the lockfiles of extended packages, whose aliases count as bound.
    """
    uses: list[AliasUse] = []
    unread = []
    for path, text in sources:
        found = None if text is None else find_uses(text, path)
        if found is None:
            unread.append(path)
        else:
            uses += found
    named = [use for use in uses if use.alias is not None and not is_reference(use.alias, providers)]
    profiles = None if profile is None else [profile]
    bound = set(known_aliases(lockfile, profiles, packages=packages))
    own = known_aliases(lockfile, profiles)
    used = {use.alias for use in named}
    return Scan(
        missing=tuple(use for use in named if use.alias not in bound),
        unused=tuple(alias for alias in own if alias not in used),
        uses=tuple(named),
        dynamic=tuple(use for use in uses if use.alias is None),
        unread=tuple(unread),
    )


def find_uses(text: str, path: Path) -> list[AliasUse] | None:
    """The uses in one file, in order; ``None`` where it is not Python, or nested deeper than Python reads."""
    try:
        tree = ast.parse(text)
        visitor = _Visitor(path, tree)
        visitor.visit(tree)
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ):  # a null character, and the parser's two limits
        return None
    return sorted(visitor.uses, key=lambda use: (use.line, use.column))


def _constants(tree: ast.AST) -> dict[str, str | None]:
    """Names that are assigned one string and nothing else; ``None`` for every other name that is assigned."""
    found: dict[str, str | None] = {}
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.For, ast.AsyncFor)):
            targets = [node.target]
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        text = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
        for target in targets:
            if isinstance(target, ast.Name):
                known = target.id not in found or found[target.id] == text
                found[target.id] = text if known else None
    return found


def _names_of(tree: ast.AST, kind: str) -> set[str]:
    """Names that hold an object of a class somewhere in the file, by what they are assigned or annotated with."""
    found: set[str] = set()
    for node in ast.walk(tree):
        targets: list[ast.expr | None] = []
        if isinstance(node, ast.Assign) and _makes(node.value, kind):
            targets = list(node.targets)
        elif isinstance(node, ast.withitem) and _makes(node.context_expr, kind):
            targets = [node.optional_vars]
        elif isinstance(node, ast.AnnAssign) and _last_name(node.annotation) == kind:
            targets = [node.target]
        elif isinstance(node, ast.arg) and node.annotation and _last_name(node.annotation) == kind:
            found.add(node.arg)
        found.update(name for target in targets if target is not None and (name := _last_name(target)))
    return found


def _makes(value: ast.expr, kind: str) -> bool:
    """Return whether it is ``Kind(...)``, or ``Kind.method(...)`` of a class method."""
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    return kind in (
        _last_name(called),
        _last_name(called.value) if isinstance(called, ast.Attribute) else None,
    )


def _last_name(node: ast.expr) -> str | None:
    """The name of a name or of an attribute."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


class _Visitor(ast.NodeVisitor):
    def __init__(self, path: Path, tree: ast.AST) -> None:
        self._path = path
        self._constants = _constants(tree)
        self._requests = _names_of(tree, _REQUEST)
        self._rings = _names_of(tree, _RING)
        self.uses: list[AliasUse] = []

    def visit_Call(self, node: ast.Call) -> None:
        name = _last_name(node.func)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if name == _REQUEST or (name == "ask" and self._is_of_a_ring(node.func)):
            self._request(node, keywords)
        elif (
            name is not None
            and name in ALIAS_PARAMETERS
            and (name not in _OF_RINGS_ONLY or self._is_of_a_ring(node.func))
        ):
            position = 0 if isinstance(node.func, ast.Attribute) else 1
            self._use(keywords.get(ALIAS_PARAMETERS[name]) or _argument(node, position))
        self.generic_visit(node)

    def _is_of_a_ring(self, called: ast.expr) -> bool:
        owner = _last_name(called.value) if isinstance(called, ast.Attribute) else None
        return owner is not None and (owner in self._rings or "ring" in owner.lower().split("_"))

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            if (
                isinstance(target, ast.Attribute)
                and target.attr == "model"
                and isinstance(target.value, ast.Name)
                and target.value.id in self._requests
            ):
                self._use(node.value)
        self.generic_visit(node)

    def _request(self, node: ast.Call, keywords: dict[str | None, ast.expr]) -> None:
        value = keywords.get("model") or _argument(node, _MODEL_POSITION)
        starred = None in keywords or any(isinstance(argument, ast.Starred) for argument in node.args)
        if value is None and not starred:
            self._add(node, DEFAULT_ALIAS)
        elif value is None:
            self._add(node, None)
        else:
            self._use(value)

    def _use(self, value: ast.expr | None) -> None:
        if isinstance(value, ast.Constant) and value.value is None:
            self._add(value, DEFAULT_ALIAS)
        elif isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._add(value, value.value)
        elif isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            for item in value.elts:
                self._use(item)
        elif isinstance(value, ast.IfExp):
            self._use(value.body)
            self._use(value.orelse)
        elif isinstance(value, ast.Name):
            self._add(value, self._constants.get(value.id))
        elif value is not None:
            self._add(value, None)

    def _add(self, node: ast.expr, alias: str | None) -> None:
        self.uses.append(AliasUse(self._path, node.lineno, node.col_offset + 1, alias))


def _argument(node: ast.Call, position: int) -> ast.expr | None:
    if len(node.args) > position and not any(isinstance(arg, ast.Starred) for arg in node.args):
        return node.args[position]
    return None
