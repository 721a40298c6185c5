"""The published document: ``{base}/{provider}/models.json`` and its archived versions.

Unknown fields are ignored, and null means absent. An entry that is wrong is left out and reported; the others stay.
"""

from decimal import Decimal

import msgspec
from llmring_types import ModelFacts
from llmring_types.exceptions import RegistryValidationError

from llmring._json import DECODE_ERRORS
from llmring.registry._facts import Entry, model_facts


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a provider's models.

    Attributes:
        provider: whose models.
        version: 1 for the first publication, one more for each that followed.
        updated_at: when it was published, as the publisher wrote it: ISO 8601, mostly without a zone.
        models: every entry that could be read, in the publisher's order.
        skipped: one sentence for every entry that could not.
    """

    provider: str
    version: int
    updated_at: str | None
    models: tuple[ModelFacts, ...]
    skipped: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of its models, independent of their formatting: ``sha256:`` and 64 hex digits."""
        import hashlib  # noqa: PLC0415 - slow to import, and only lockfiles ask

        rows = sorted(self.models, key=lambda facts: facts.model)
        return f"sha256:{hashlib.sha256(msgspec.json.encode(rows)).hexdigest()}"


class _Document(msgspec.Struct):
    models: dict[str, msgspec.Raw] | list[msgspec.Raw]
    version: int | None = None
    updated_at: str | None = None


_document = msgspec.json.Decoder(_Document)
# Not strict: 128000.0 is as good a count as 128000.
_entry = msgspec.json.Decoder(Entry, strict=False)


def decode(data: bytes | msgspec.Raw, provider: str, *, where: str) -> Publication:
    """Read a published document.

    Args:
        data: the JSON.
        provider: whose document this should be.
        where: its address, for messages.

    Raises:
        RegistryValidationError: it is not JSON, or not the shape of a registry document.
    """
    try:
        document = _document.decode(data)
    except DECODE_ERRORS as error:
        raise RegistryValidationError(f"{where} is not a registry document: {error}") from error
    entries = document.models
    models: dict[str, ModelFacts] = {}
    skipped: list[str] = []
    for key, raw in entries.items() if isinstance(entries, dict) else ((None, raw) for raw in entries):
        try:
            facts = model_facts(_entry.decode(raw), provider, key)
        except (*DECODE_ERRORS, ValueError) as error:
            skipped.append(f"{key or 'an entry'} of {where} was left out: {error}")
            continue
        if facts.model in models:
            skipped.append(f"{key or facts.model} of {where} was left out: the model is there already")
        else:
            models[facts.model] = facts
    return Publication(
        provider=provider,
        version=1 if document.version is None else document.version,
        updated_at=document.updated_at,
        models=tuple(models.values()),
        skipped=tuple(skipped),
    )


class PriceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose price of input or output changed, in US dollars per million tokens."""

    model: str
    old_input_cost: Decimal | None
    new_input_cost: Decimal | None
    old_output_cost: Decimal | None
    new_output_cost: Decimal | None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The changes from the pinned version to the current one. Models are named without their provider."""

    provider: str
    pinned_version: int
    current_version: int
    added_models: tuple[str, ...]
    removed_models: tuple[str, ...]
    price_changes: tuple[PriceChange, ...]

    @property
    def has_drift(self) -> bool:
        """True where the versions differ."""
        return self.pinned_version != self.current_version

    @property
    def versions_behind(self) -> int:
        """The number of versions published since the pinned one."""
        return self.current_version - self.pinned_version


def compare(pinned: Publication, current: Publication) -> Drift:
    """Compare two versions of one provider's document."""
    old = {facts.model: facts.prices for facts in pinned.models}
    new = {facts.model: facts.prices for facts in current.models}
    return Drift(
        provider=current.provider,
        pinned_version=pinned.version,
        current_version=current.version,
        added_models=tuple(sorted(new.keys() - old.keys())),
        removed_models=tuple(sorted(old.keys() - new.keys())),
        price_changes=tuple(
            PriceChange(
                model=model,
                old_input_cost=old[model].input,
                new_input_cost=new[model].input,
                old_output_cost=old[model].output,
                new_output_cost=new[model].output,
            )
            for model in sorted(old.keys() & new.keys())
            if (old[model].input, old[model].output) != (new[model].input, new[model].output)
        ),
    )
