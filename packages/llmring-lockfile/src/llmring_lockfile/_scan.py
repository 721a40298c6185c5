"""Find the aliases that Python code uses, without running it."""

import ast
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from llmring_lockfile._model import Lockfile
from llmring_lockfile._names import KNOWN_PROVIDERS, is_reference
from llmring_lockfile._resolve import PackageLockfiles, no_packages
from llmring_lockfile._stubs import known_aliases

DEFAULT_ALIAS: Final = "default"
"""The alias of a request that names no model."""

_REQUEST = "LLMRequest"
_MODEL_POSITION = 1
_TAKES_ALIAS = frozenset({"chat_with_alias", "get_model_info", "has_alias", "resolve_alias"})
_TAKES_ALIASES = "require_aliases"
_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})


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
        unread: files that are not valid Python.
    """

    missing: tuple[AliasUse, ...]
    unused: tuple[str, ...]
    uses: tuple[AliasUse, ...]
    dynamic: tuple[AliasUse, ...]
    unread: tuple[Path, ...]


def scan(
    lockfile: Lockfile,
    sources: Iterable[tuple[Path, str]],
    profile: str | None = None,
    *,
    providers: Collection[str] = KNOWN_PROVIDERS,
    packages: PackageLockfiles = no_packages,
) -> Scan:
    """Compare the aliases that code uses with those that a lockfile binds.

    Uses are: the ``model`` of ``LLMRequest(...)`` (none means the alias ``default``), ``x.model = "..."`` on a
    name that holds a request, and the arguments of ``resolve_alias``, ``has_alias``, ``chat_with_alias``,
    ``get_model_info`` and ``require_aliases``. A name that is assigned one string in its file stands for it.

    Args:
        lockfile: the lockfile.
        sources: files and their text; see :func:`read_sources`.
        profile: the aliases of this one; ``None`` takes those of every profile.
        providers: names that make a direct reference, which is not an alias.
        packages: gives the lockfiles of extended packages, whose aliases count as bound.
    """
    uses: list[AliasUse] = []
    unread = []
    for path, text in sources:
        try:
            uses += find_uses(text, path)
        except SyntaxError:
            unread.append(path)
    named = [use for use in uses if use.alias is not None and not is_reference(use.alias, providers)]
    profiles = None if profile is None else [profile]
    bound = known_aliases(lockfile, profiles, packages=packages)
    own = known_aliases(lockfile, profiles)
    used = {use.alias for use in named}
    return Scan(
        missing=tuple(use for use in named if use.alias not in bound),
        unused=tuple(alias for alias in own if alias not in used),
        uses=tuple(named),
        dynamic=tuple(use for use in uses if use.alias is None),
        unread=tuple(unread),
    )


def read_sources(root: Path) -> Iterator[tuple[Path, str]]:
    """A Python file, or all those below a folder but hidden ones, environments and caches, in order."""
    if root.is_file():
        yield root, root.read_text(encoding="utf-8", errors="replace")
        return
    for path in sorted(root.rglob("*.py")):
        folders = path.relative_to(root).parts[:-1]
        if not any(name.startswith(".") or name in _SKIPPED_FOLDERS for name in folders):
            yield path, path.read_text(encoding="utf-8", errors="replace")


def find_uses(text: str, path: Path) -> list[AliasUse]:
    """The uses in one file, in order.

    Raises:
        SyntaxError: it is not Python.
    """
    tree = ast.parse(text)
    visitor = _Visitor(path, _constants(tree), _requests(tree))
    visitor.visit(tree)
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


def _requests(tree: ast.AST) -> set[str]:
    """Names that hold a request somewhere in the file."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and _called(node.value) == _REQUEST
        for target in node.targets
        if isinstance(target, ast.Name)
    }  # fmt: skip


def _called(call: ast.Call) -> str | None:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else None


class _Visitor(ast.NodeVisitor):
    def __init__(self, path: Path, constants: dict[str, str | None], requests: set[str]) -> None:
        self._path = path
        self._constants = constants
        self._requests = requests
        self.uses: list[AliasUse] = []

    def visit_Call(self, node: ast.Call) -> None:
        name = _called(node)
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        if name == _REQUEST:
            self._request(node, keywords)
        elif name in _TAKES_ALIAS:
            self._use(keywords.get("alias_or_model") or keywords.get("alias") or _argument(node, 0))
        elif name == _TAKES_ALIASES:
            for value in [*node.args, *keywords.values()]:
                if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
                    for item in value.elts:
                        self._use(item)
        self.generic_visit(node)

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
