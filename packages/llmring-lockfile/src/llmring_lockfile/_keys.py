"""Key paths: where in a lockfile a value is, for programs as a tuple and for people as text."""

import re

KeyPath = tuple[str | int, ...]
"""Such as ``("profiles", "dev", "bindings", 0, "models")``."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key that TOML takes without quotes."""
_STEP = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]")


def show_key(path: KeyPath) -> str:
    """The text form, such as ``profiles.dev.bindings[0].models``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if BARE.fullmatch(step) else f'"{step}"')
    return text


def read_relative(text: str) -> KeyPath:
    """The path in a msgspec message, such as ``$.prices.input`` or ``$.models[0]``."""
    return tuple(int(place) if place else name for name, place in _STEP.findall(text.removeprefix("$")))
