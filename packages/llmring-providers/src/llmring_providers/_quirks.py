"""Parameters of a request body as a host takes them, and fields of its answers: the part that protocols share."""

from collections.abc import Mapping
from typing import Any

from llmring_types.hosts import Quirks

from llmring_providers._protocol import ChatCall

_STOPS = ("stop", "stop_sequences")
"""OpenAI's name and Anthropic's."""


def fit_parameters(body: dict[str, Any], quirks: Quirks, call: ChatCall, warnings: list[str]) -> None:
    """Drop the parameters that the host refuses, with a warning each, and rename those that it calls otherwise."""
    host = call.ref.provider
    warnings.extend(
        f"{name} was dropped: {host} does not take it"
        for name in quirks.refused
        if body.pop(name, None) is not None
    )
    for name in _STOPS:
        stops = body.get(name)
        if quirks.most_stops is not None and isinstance(stops, list) and len(stops) > quirks.most_stops:
            body[name] = stops[: quirks.most_stops]
            warnings.append(
                f"{name} was cut from {len(stops)} to {quirks.most_stops} sequences: {host} takes no more"
            )
    for ours, theirs in quirks.renamed.items():
        if ours in body:
            body.setdefault(theirs, body.pop(ours))


def field_at(document: Any, path: str) -> Any:
    """Return the field at a path with dots between its levels; ``None`` where there is none."""
    for name in path.split("."):
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
