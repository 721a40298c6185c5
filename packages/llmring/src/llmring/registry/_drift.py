"""What changed between two versions of a provider's document."""

from decimal import Decimal

import msgspec

from llmring.registry._wire import Publication


class PriceChange(msgspec.Struct, frozen=True, kw_only=True):
    """A model whose price of input or output changed, in US dollars per million tokens."""

    model: str
    old_input_cost: Decimal | None
    new_input_cost: Decimal | None
    old_output_cost: Decimal | None
    new_output_cost: Decimal | None


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How far the current version has moved from the pinned one. Models are named without their provider."""

    provider: str
    pinned_version: int
    current_version: int
    added_models: tuple[str, ...]
    removed_models: tuple[str, ...]
    price_changes: tuple[PriceChange, ...]

    @property
    def has_drift(self) -> bool:
        """Whether the versions differ."""
        return self.pinned_version != self.current_version

    @property
    def versions_behind(self) -> int:
        """How many versions were published since the pinned one."""
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
