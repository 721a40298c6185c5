"""The vendors' official SDKs, each asked by its own typed call and answered with the recorded bytes."""

from typing import Any, NamedTuple

from interop.whole import Document


class Refusal(NamedTuple):
    """An SDK's exception. ``request_id`` is ``None`` where the SDK does not report it."""

    status: int
    message: str
    request_id: str | None = None


class SdkExchange(NamedTuple):
    """An SDK's request on the wire and what it read: the answer as one document in the vendor's form, or a refusal."""

    sent: Any
    answer: Document | None = None
    refusal: Refusal | None = None
