"""What a provider is built from."""

import msgspec

from llmring_providers.transport import Transport


class ProviderSettings(msgspec.Struct, kw_only=True, frozen=True):
    """Everything that a provider may need to know; it reads no environment of its own.

    Attributes:
        name: the first half of references to its models.
        transport: moves the bytes; shared, so a provider does not close it.
        api_key: empty where there is none.
        base_url: ``None`` means the provider's own.
    """

    name: str
    transport: Transport
    api_key: str = ""
    base_url: str | None = None

    def __repr__(self) -> str:
        return f"ProviderSettings(name={self.name!r}, base_url={self.base_url!r})"
