"""Public names that a package loads when they are first used (PEP 562): nobody pays for what they do not use."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def load_on_use(
    namespace: dict[str, Any], modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Bind them under ``if not TYPE_CHECKING``, and import the names under ``if TYPE_CHECKING``: a checker that sees a
    ``__getattr__`` takes any name for one of the package's.

    Args:
        namespace: the package's ``globals()``; what was loaded is kept there.
        modules: full names of modules, each with the public names that it defines.
    """
    module_of = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        module = module_of.get(name)
        if module is None:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        value = namespace[name] = getattr(import_module(module), name)
        return value

    def names() -> list[str]:
        return sorted({*namespace, *namespace["__all__"]})

    return load, names
