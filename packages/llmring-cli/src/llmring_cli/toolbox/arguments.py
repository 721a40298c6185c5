"""Arguments of the tools. The descriptions are for models."""

from decimal import Decimal
from typing import Annotated

import msgspec
from llmring.suggest import Preference
from llmring_lockfile import Need
from msgspec import Meta

_Profile = Annotated[
    str | None, Meta(description="The profile; the lockfile's default profile when left out.")
]
_Models = Annotated[list[str], Meta(description="provider:model each, best first.", min_length=1)]
_Needs = Annotated[list[Need], Meta(description="Capabilities that every model must have.")]
_Count = Annotated[int, Meta(ge=1)]
_Above0 = Annotated[float, Meta(gt=0)]
_Price = Annotated[_Above0 | None, Meta(description="US dollars per million tokens.")]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No arguments."""


class InProfile(msgspec.Struct, forbid_unknown_fields=True):
    profile: _Profile = None


class ListModels(msgspec.Struct, forbid_unknown_fields=True):
    provider: Annotated[str | None, Meta(description="Only this provider's models.")] = None
    include_retired: bool = False


class FindModels(msgspec.Struct, forbid_unknown_fields=True):
    needs: _Needs = []
    min_context: Annotated[
        _Count | None, Meta(description="Least context window, in tokens, for request and answer together.")
    ] = None
    min_output: Annotated[
        _Count | None, Meta(description="Least length of the longest answer, in tokens.")
    ] = None
    max_input_price: _Price = None
    max_output_price: _Price = None
    providers: Annotated[list[str], Meta(description="Only these; all when empty.")] = []
    prefer: Annotated[Preference, Meta(description="What counts among models that fit.")] = "cost"
    limit: _Count = 10


class NamedModels(msgspec.Struct, forbid_unknown_fields=True):
    models: _Models


class CompareCosts(msgspec.Struct, forbid_unknown_fields=True):
    models: _Models
    calls: Annotated[int, Meta(description="How many calls, for example in a month.", ge=1)]
    input_tokens: Annotated[int, Meta(description="Input tokens of one call.", ge=0)]
    output_tokens: Annotated[int, Meta(description="Output tokens of one call.", ge=0)]


class BindAlias(msgspec.Struct, forbid_unknown_fields=True):
    alias: Annotated[
        str, Meta(description="What the application wants done, such as summarizer; no model's name.")
    ]
    models: _Models
    profile: _Profile = None
    needs: _Needs = []
    min_context: Annotated[
        _Count | None, Meta(description="Least context window, in tokens, for request and answer together.")
    ] = None
    max_cost_usd: Annotated[
        _Above0 | None, Meta(description="Most that one call may cost, in US dollars.")
    ] = None
    timeout_s: Annotated[_Above0 | None, Meta(description="Limit of one attempt, in seconds.")] = None


class UnbindAlias(msgspec.Struct, forbid_unknown_fields=True):
    alias: str
    profile: _Profile = None


class NamedProfile(msgspec.Struct, forbid_unknown_fields=True):
    profile: str


def dollars(price: float | None) -> Decimal | None:
    """Return a price as the decimal number that was written."""
    return None if price is None else Decimal(str(price))
