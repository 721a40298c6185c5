"""Mistakes in command lines, bindings and calls, with the names that were probably meant."""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
    ValidationError,
)
from llmring_types.exceptions import (
    AliasNotFoundError,
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderError,
    ProviderNotFoundError,
    UnknownProviderError,
)
from llmring_types.hosts import HOSTS

from llmring_cli._commands import COMMANDS, GROUPS
from llmring_cli._environment import REFUSED_HOSTS

if TYPE_CHECKING:
    from llmring import ModelRef

_NUMBERS = {int: "a whole number", float: "a number", Decimal: "a number"}
_UNALIKE = re.compile(r"[^a-z0-9]+")
"""Words that people leave out of the names of models."""
_LEAST_PART = 3
"""Length of a word from which on it may be a part of a model's name."""
_MOST_NEAR = 3
_USUAL = re.compile(r"[\w.-]+(:[\w.-]+)?")


def usage_text(error: CycloptsError) -> str:
    """Return what is wrong, and which help explains it."""
    what = _what(error)
    end = "" if what.endswith((".", "?")) else "."
    return f"{what}{end} See: {' '.join(['llmring', *(error.command_chain or ()), '--help'])}"


def _what(error: CycloptsError) -> str:
    if isinstance(error, UnknownCommandError) and error.unused_tokens:
        return _unknown_command(error.unused_tokens[0], error.command_chain or ())
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        hint = (
            " Put a message of several words in quotes."
            if tuple(error.command_chain or ()) == ("chat",)
            else ""
        )
        return f"Unexpected argument: {shlex.join(error.unused_tokens)}.{hint}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.keyword or error.argument.name
        return f"{name} needs a value" if name.startswith("-") else f"{name} is missing"
    if isinstance(error, CoercionError) and error.token is not None and error.token.keyword is not None:
        kind = _kind(error.target_type)
        if kind is not None:
            return f'Invalid value "{error.token.value}" for {error.token.keyword}. It takes {kind}.'
    if isinstance(error, ValidationError) and error.argument is not None:
        given = " ".join(token.value for token in error.argument.tokens)
        if given in error.exception_message:
            return error.exception_message  # it quotes the value itself
    return str(error)


def _unknown_command(word: str, above: Sequence[str]) -> str:
    """Suggest a command: one of this name elsewhere in the tree, else a similar name here."""
    if word.startswith("-"):
        return f"Unknown option: {word}. Options come after a command."
    from llmring_lockfile import did_you_mean, nearest  # noqa: PLC0415 - most names are right

    paths = sorted(_paths())
    siblings = [path[-1] for path in paths if path[:-1] == tuple(above)]
    meant = [" ".join(path) for path in paths if path[-1] == word]
    meant = meant or [" ".join((*above, name)) for name in nearest(word, siblings, most=1)]
    return f"Unknown command: {word}{did_you_mean(meant) or '.'}"


def command_names() -> list[str]:
    """Return the words of every command and group, as they are typed."""
    return [" ".join(path) for path in _paths()]


def _paths() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        yield (command.name,)
    for words, (_, commands) in GROUPS.items():
        group = tuple(words.split())
        yield group
        yield from ((*group, command.name) for command in commands)


def _kind(target: type | None) -> str | None:
    return next((_NUMBERS[one] for one in (target, *get_args(target)) if one in _NUMBERS), None)


def doubts(alias: str, models: "Iterable[ModelRef]", extends: Sequence[str]) -> Iterator[str]:
    """Yield what is odd about the name of an alias and the members of its pool, in sentences.

    Args:
        alias: the name.
        models: the pool.
        extends: packages whose aliases the lockfile may override.
    """
    from llmring import open_registry  # noqa: PLC0415 - wrong command lines do without
    from llmring_lockfile import did_you_mean  # noqa: PLC0415 - as above

    from llmring_cli._models import known_providers  # noqa: PLC0415 - as above
    from llmring_cli._retired import retired_facts  # noqa: PLC0415 - as above

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
            hint = did_you_mean(_near_references(ref, providers), "to list them: llmring hosts")
            yield f"{ref}: no provider {ref.provider} is known{hint}"
            continue
        retired = retired_facts(ref.provider, ref.model)
        if retired is not None:
            since = "" if retired.retires_on is None else f" since {retired.retires_on}"
            yield f"{ref}: its vendor has retired it{since}; for a successor: llmring lock upgrade"
            continue
        registry = open_registry()
        names = [facts.model for facts in registry.models(ref.provider)]
        if names and registry.facts(ref.provider, ref.model) is None:
            yield f"{ref}: the registry does not list this model{meant(ref.model, names)}"


def meant(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the end of a message: a question about the known names that are like a word, else what to do."""
    from llmring_lockfile import did_you_mean, nearest  # noqa: PLC0415 - as above

    return did_you_mean(nearest(word, known), otherwise)


def explained(error: LLMRingError, model: str | None = None) -> str:
    """Return what went wrong with a call and what to do about it, as one line.

    Args:
        error: as the ring raised it.
        model: the alias or ``provider:model`` that was asked for; ``None`` for the default.
    """
    from llmring_lockfile import did_you_mean  # noqa: PLC0415 - as above

    text = str(error)
    tried = dict.fromkeys(attempt.model for attempt in error.attempts if attempt.outcome != "skipped")
    if "did you mean" not in text:
        text += did_you_mean(_right_names(error, model))
    advice: list[str] = []
    page = _keys_page(error)
    if page:
        advice.append(f"keys: {page}")
    if len(tried) > 1:
        advice.append(f"none of {len(tried)} models answered, --verbose reports each attempt")
    return "; ".join((text, *advice))


def near_models(name: str) -> list[str]:
    """Return the listed models that a name resembles, whatever their provider: at most three, the best first.

    Args:
        name: of a model, with or without a provider.
    """
    from llmring import open_registry  # noqa: PLC0415 - as above
    from llmring.registry import PROVIDERS  # noqa: PLC0415 - as above
    from llmring_lockfile import nearest  # noqa: PLC0415 - as above

    registry = open_registry()
    shortest: dict[str, str] = {}
    for provider in PROVIDERS:
        for facts in registry.models(provider):
            for known in (facts.model, *facts.aliases) if facts.active is not False else ():
                if known.islower():  # the registry lists some names in the vendor's spelling, too
                    shortest.setdefault(_UNALIKE.sub("", known), f"{provider}:{known}")
    word = _UNALIKE.sub("", name.rpartition(":")[2].lower())
    parts = sorted((known for known in shortest if word in known), key=lambda known: (len(known), known))
    near = (parts if len(word) >= _LEAST_PART else []) or nearest(word, shortest, most=_MOST_NEAR)
    return [shortest[known] for known in near][:_MOST_NEAR]


def _near_references(ref: "ModelRef", providers: Collection[str]) -> list[str]:
    """Return what a reference to an unknown provider was probably meant to be: listed models, else providers."""
    from llmring_lockfile import near_providers  # noqa: PLC0415 - as above

    near = near_providers(ref.provider, providers)
    models = [name for name in near_models(ref.model) if name.partition(":")[0] in near]
    same = [name for name in models if name.partition(":")[2] == ref.model]
    return same or models or near


def _right_names(error: LLMRingError, model: str | None) -> list[str]:
    """Return the models that were probably meant, if the error is about a name that nobody knows."""
    asked = model or ""
    if isinstance(error, AliasNotFoundError):
        asked = error.alias
    elif isinstance(error, ModelNotFoundError) and error.model:
        asked = error.model
    elif not (isinstance(error, ProviderNotFoundError) and _is_unlisted(asked)):
        return []
    return [name for name in near_models(asked) if name != asked]


def _is_unlisted(name: str) -> bool:
    """Return whether a direct reference names no model of a provider whose models are listed."""
    from llmring import open_registry  # noqa: PLC0415 - as above

    provider, _, model = name.partition(":")
    registry = open_registry()
    return bool(registry.models(provider)) and registry.facts(provider, model) is None


def _keys_page(error: LLMRingError) -> str | None:
    """Return where a person gets a key, if the error is about one."""
    about_keys = isinstance(error, ProviderNotFoundError | ProviderAuthenticationError)
    if not about_keys or not isinstance(error, ProviderError) or isinstance(error, UnknownProviderError):
        return None
    return HOSTS[error.provider].keys_page if error.provider in HOSTS else None
