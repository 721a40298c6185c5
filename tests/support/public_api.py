"""The public names of every package with their signatures, read from the sources without importing them."""

from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "llmring-types": ("llmring_types",),
    "llmring-lockfile": ("llmring_lockfile",),
    "llmring-providers": ("llmring_providers",),
    "llmring": ("llmring", "llmring_pytest"),
    "llmring-cli": ("llmring_cli",),
}
WIDTH = 110
OF_NO_CALLER = {
    "__all__",
    "__del__",
    "__eq__",
    "__hash__",
    "__match_args__",
    "__post_init__",
    "__repr__",
    "__slots__",
}
"""Special names that a caller neither writes nor relies on by syntax."""


def public_api() -> dict[str, str]:
    """Return one text per package: the modules that have an ``__all__``, and the names in it."""
    loader = griffe.GriffeLoader(
        search_paths=[ROOT / "packages" / package / "src" for package in PACKAGES], allow_inspection=False
    )
    for name in (name for names in PACKAGES.values() for name in names):
        loader.load(name)
    loader.resolve_aliases(implicit=False)
    modules = {
        package: [module for name in names for module in _public(loader.modules_collection[name])]
        for package, names in PACKAGES.items()
    }
    described = _first_paths(module for of_package in modules.values() for module in of_package)
    return {
        package: "\n\n".join("\n".join(_module(module, described)) for module in of_package) + "\n"
        for package, of_package in modules.items()
    }


def _public(module: griffe.Module) -> Iterator[griffe.Module]:
    if module.exports is not None:
        yield module
    for name, member in sorted(module.modules.items()):
        if not name.startswith("_") and not member.is_alias:
            yield from _public(member)


def _names(module: griffe.Module) -> list[str]:
    return sorted(map(str, module.exports or ()))


def _first_paths(modules: Iterator[griffe.Module]) -> dict[str, str]:
    """Return under which public name each object is described: where it is defined is nobody's business."""
    first: dict[str, str] = {}
    for module in modules:
        for name in _names(module):
            first.setdefault(_target(module[name]).path, f"{module.path}.{name}")
    return first


def _target(member: griffe.Object | griffe.Alias) -> griffe.Object:
    return member.final_target if isinstance(member, griffe.Alias) else member


def _module(module: griffe.Module, described: dict[str, str]) -> Iterator[str]:
    yield f"# {module.path}"
    for name in _names(module):
        target = _target(module[name])
        path = described[target.path]
        if path != f"{module.path}.{name}":
            yield f"{name} = {path}"
        elif isinstance(target, griffe.Class):
            yield from _class(name, target, described)
        elif isinstance(target, griffe.Function):
            yield from _function(name, target)
        elif isinstance(target, griffe.Module):
            yield f"module {name}"
        else:
            yield _attribute(name, target)


def _class(name: str, class_: griffe.Class, described: dict[str, str]) -> Iterator[str]:
    """Show a class with what it inherits from classes that are not public themselves."""
    parents = [str(base) for base in class_.bases if not str(base).rpartition(".")[2].startswith("_")]
    yield f"class {name}({', '.join(parents)})" if parents else f"class {name}"
    lineage = [class_]
    lineage += [base for base in class_.mro() if base.path not in described]
    members: dict[str, griffe.Object] = {}
    for owner in reversed(lineage):
        members |= {key: _target(value) for key, value in owner.members.items() if _is_public(key)}
    for key, value in members.items():
        if isinstance(value, griffe.Attribute) and "property" not in value.labels:
            yield f"    {_attribute(key, value)}"
    for key, value in sorted(members.items()):
        if isinstance(value, griffe.Function):
            yield from (f"    {line}" for line in _function(key, value))
        elif isinstance(value, griffe.Class):
            yield from (f"    {line}" for line in _class(key, value, described))
        elif "property" in value.labels:
            yield f"    property {_attribute(key, value)}"


def _is_public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name not in OF_NO_CALLER)


def _attribute(name: str, attribute: griffe.Object) -> str:
    assert isinstance(attribute, griffe.Attribute)
    annotation = "" if attribute.annotation is None else f": {attribute.annotation}"
    is_field = "property" not in attribute.labels and "class-attribute" in attribute.labels
    is_type = isinstance(attribute.value, griffe.ExprSubscript | griffe.ExprBinOp)
    return f"{name}{annotation} = {attribute.value}" if is_field or is_type else f"{name}{annotation}"


def _function(name: str, function: griffe.Function) -> Iterator[str]:
    labels = [label for label in ("async", "classmethod", "staticmethod") if label in function.labels]
    start = " ".join([*labels, name])
    for signature in function.overloads or [function]:
        end = "" if signature.returns is None else f" -> {signature.returns}"
        parameters = list(_parameters(signature.parameters))
        line = f"{start}({', '.join(parameters)}){end}"
        if len(line) <= WIDTH:
            yield line
        else:
            yield f"{start}("
            yield from (f"    {parameter}," for parameter in parameters)
            yield f"){end}"


def _parameters(parameters: griffe.Parameters) -> Iterator[str]:
    kinds = griffe.ParameterKind
    stars = {kinds.var_positional: "*", kinds.var_keyword: "**"}
    before: griffe.ParameterKind | None = None
    for parameter in parameters:
        if before is kinds.positional_only and parameter.kind is not before:
            yield "/"
        if parameter.kind is kinds.keyword_only and before not in {kinds.keyword_only, kinds.var_positional}:
            yield "*"
        before = parameter.kind
        if parameter.name not in {"self", "cls"}:
            annotation = "" if parameter.annotation is None else f": {parameter.annotation}"
            star = stars.get(parameter.kind)
            default = "" if star or parameter.default is None else f" = {parameter.default}"
            yield f"{star or ''}{parameter.name}{annotation}{default}"
    if before is kinds.positional_only:
        yield "/"


if __name__ == "__main__":
    for package, text in public_api().items():
        (ROOT / "tests" / "api" / f"{package}.txt").write_text(text)
