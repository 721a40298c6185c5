"""Error messages for wrong command lines."""

import shlex
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import get_args

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
    ValidationError,
)

from llmring_cli._app import COMMANDS, GROUPS

_NUMBERS = {int: "a whole number", float: "a number", Decimal: "a number"}


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
    paths = sorted(_paths())
    siblings = [path[-1] for path in paths if path[:-1] == tuple(above)]
    meant = [" ".join(path) for path in paths if path[-1] == word]
    meant = meant or [" ".join((*above, name)) for name in get_close_matches(word, siblings, n=1)]
    hint = f" Did you mean {' or '.join(meant)}?" if meant else ""
    return f"Unknown command: {word}.{hint}"


def _paths() -> Iterator[tuple[str, ...]]:
    for command in COMMANDS:
        yield (command.name,)
    for words, (_, commands) in GROUPS.items():
        group = tuple(words.split())
        yield group
        yield from ((*group, command.name) for command in commands)


def _kind(target: type | None) -> str | None:
    return next((_NUMBERS[one] for one in (target, *get_args(target)) if one in _NUMBERS), None)
