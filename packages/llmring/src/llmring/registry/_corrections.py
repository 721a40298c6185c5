"""What the registry says that is known to be wrong, and where the vendor says so.

A row holds only as long as the registry says what it says here: once the publisher corrects an entry, or says something
else, the row has no effect, and a test asks for its removal. Prices are never corrected here; those that are
missing are filled by :mod:`llmring.registry._merge`. docs/decisions/2026-11-26-corrections-to-the-registry.md
says why there are any.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from llmring_types import ModelFacts


class Correction(NamedTuple):
    """One fact about one model.

    Attributes:
        field: of :class:`ModelFacts`.
        published: what the registry says.
        value: what is so.
        source: the vendor's page.
    """

    field: str
    published: str | bool
    value: str | bool
    source: str


_OPENAI = "https://developers.openai.com/api/docs"
_GOOGLE = "https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking"


def _rows() -> Iterator[tuple[str, str, Correction]]:
    # Their pages name the responses API alone; chat completions answer 404.
    for model in (
        "codex-mini-latest",
        "computer-use-preview",
        "gpt-5-pro",
        "gpt-5.1-codex-mini",
        "gpt-5.2-pro",
        "gpt-5.4-pro",
        "gpt-5.5-pro",
        "o1-pro",
        "o3-deep-research",
        "o3-pro",
        "o4-mini-deep-research",
    ):
        yield "openai", model, Correction("api", "chat", "responses", f"{_OPENAI}/models/{model}")
    # Base models, which know neither messages nor tools: their pages name the legacy completions API alone.
    for model in ("babbage-002", "davinci-002", "gpt-3.5-turbo-instruct"):
        yield "openai", model, Correction("api", "chat", "completions", f"{_OPENAI}/models/{model}")
    # They read text alone, and all but the last came before structured outputs.
    for model, page in (
        ("gpt-3.5-turbo", "gpt-3.5-turbo"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo"),
        ("gpt-3.5-turbo-1106", "gpt-3.5-turbo"),
        ("gpt-4-0613", "gpt-4"),
        ("o3-mini", "o3-mini"),
    ):
        for field in (
            ("vision", "documents") if model == "o3-mini" else ("vision", "documents", "json_schema")
        ):
            yield "openai", model, Correction(field, True, False, f"{_OPENAI}/models/{page}")
    for model in ("gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.5"):
        yield "openai", model, Correction("reasoning", False, True, f"{_OPENAI}/guides/reasoning")
    # Any temperature but 1 is a 400. The registry has it right for two of the dated names alone.
    for model in (
        "gpt-5",
        "gpt-5-mini",
        "gpt-5-nano",
        "gpt-5-nano-2025-08-07",
        "gpt-5-pro",
        "gpt-5-pro-2025-10-06",
        "o1",
        "o1-2024-12-17",
        "o1-pro",
        "o1-pro-2025-03-19",
        "o3",
        "o3-2025-04-16",
        "o3-mini",
        "o3-mini-2025-01-31",
        "o3-pro",
        "o3-pro-2025-06-10",
        "o4-mini",
        "o4-mini-2025-04-16",
    ):
        page = f"{_OPENAI}/guides/latest-model#gpt-54-parameter-compatibility"
        yield "openai", model, Correction("temperature", True, False, page)
    for model in (
        "gemini-3.1-flash-lite",
        "gemini-3.1-pro-preview",
        "gemini-3.5-flash",
        "gemini-3.5-flash-lite",
        "gemini-3.6-flash",
        "gemini-3.7-flash",
    ):
        yield "google", model, Correction("reasoning", False, True, _GOOGLE)


CORRECTIONS: dict[tuple[str, str], tuple[Correction, ...]] = {}
for _provider, _model, _row in _rows():
    _key = (_provider, _model)
    CORRECTIONS[_key] = (*CORRECTIONS.get(_key, ()), _row)


def corrections_of(published: ModelFacts) -> tuple[Correction, ...]:
    """Return those that apply to an entry as it was published."""
    rows = CORRECTIONS.get((published.provider, published.model), ())
    return tuple(row for row in rows if getattr(published, row.field) == row.published)


def corrected(published: ModelFacts, rows: Iterable[Correction]) -> ModelFacts:
    """Return the facts with these corrections."""
    changes = {row.field: row.value for row in rows}
    return msgspec.structs.replace(published, **changes) if changes else published
