"""What somebody wants of a model."""

from decimal import Decimal

import msgspec
from llmring_lockfile import Constraints, Need, unmet_needs
from llmring_types import ModelFacts


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a model must be able to do, and may cost.

    Attributes:
        needs: capabilities.
        min_context: least context window, in tokens.
        min_output: least length of the longest answer, in tokens.
        max_input_price: US dollars per million tokens.
        max_output_price: US dollars per million tokens.

    Raises:
        ValueError: an unknown need, or a number that is not finite or not above 0.
    """

    needs: tuple[Need, ...] = ()
    min_context: int | None = None
    min_output: int | None = None
    max_input_price: Decimal | None = None
    max_output_price: Decimal | None = None

    def __post_init__(self) -> None:
        Constraints(needs=self.needs, min_context=self.min_context)  # checks them
        for name in ("min_output", "max_input_price", "max_output_price"):
            value = getattr(self, name)
            if value is not None and not (Decimal(value).is_finite() and value > 0):
                raise ValueError(f"{name} must be a finite number above 0; got {value}")

    @property
    def constraints(self) -> Constraints:
        """The part that a binding can state as well."""
        return Constraints(needs=self.needs, min_context=self.min_context)

    def unmet(self, facts: ModelFacts) -> list[str]:
        """Say in words what a model lacks; what is not known of it counts as lacking."""
        lacking = [str(need) for need in unmet_needs(self.constraints, facts)]
        longest = facts.max_output_tokens
        if self.min_output is not None and (longest is None or longest < self.min_output):
            gives = "an unknown number" if longest is None else f"{longest:,}"
            lacking.append(f"needs answers of {self.min_output:,} tokens, gives {gives}")
        for name, price, limit in (
            ("input", facts.prices.input, self.max_input_price),
            ("output", facts.prices.output, self.max_output_price),
        ):
            if limit is not None and (price is None or price > limit):
                costs = "an unknown price" if price is None else f"${price.normalize():f}"
                lacking.append(
                    f"costs {costs} per million tokens of {name}, the limit is ${limit.normalize():f}"
                )
        return lacking
