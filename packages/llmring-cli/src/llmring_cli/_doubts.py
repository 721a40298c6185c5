"""Reasons to doubt a binding: names that nobody knows, and those that were probably meant. No request is made."""

import re
from collections.abc import Iterable, Iterator, Sequence

from llmring import ModelRef, open_registry

from llmring_cli._environment import REFUSED_HOSTS
from llmring_cli._models import known_providers

_USUAL = re.compile(r"[\w.-]+(:[\w.-]+)?")


def doubts(alias: str, models: Iterable[ModelRef], extends: Sequence[str]) -> Iterator[str]:
    """Yield what is odd about the name of an alias and the members of its pool, in sentences.

    Args:
        alias: the name.
        models: the pool.
        extends: packages whose aliases the lockfile may override.
    """
    package, colon, _ = alias.partition(":")
    providers = known_providers()
    if colon and package.lower() in providers:
        yield f"{alias} is a direct reference to a model of {package}, so the alias is never looked up"
    elif colon and package not in extends:
        yield f"the lockfile does not extend a package {package}{meant(package, extends)}"
    elif not _USUAL.fullmatch(alias):
        yield f"{alias!r} is an unusual name for an alias: letters, digits, '.', '_' and '-' need no quotes"
    for ref in models:
        if ref.provider in REFUSED_HOSTS:
            yield f"{ref}: {REFUSED_HOSTS[ref.provider]}"
            continue
        if ref.provider not in providers:
            yield f"{ref}: no provider {ref.provider} is known{meant(ref.provider, providers)}"
            continue
        registry = open_registry()
        names = [facts.model for facts in registry.models(ref.provider)]
        if names and registry.facts(ref.provider, ref.model) is None:
            yield f"{ref}: the registry does not list this model{meant(ref.model, names)}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question about the known names that are like a word; empty where none is."""
    from difflib import get_close_matches  # noqa: PLC0415 - slow to import, and most names are right

    near = get_close_matches(word.lower(), list(known), n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""
