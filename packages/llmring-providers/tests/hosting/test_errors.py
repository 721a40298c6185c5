"""Errors that a host writes, as our own adapters read them."""

import pytest
from hosted import SIDES, Sides, hello
from llmring_types import exceptions as ours
from llmring_types.exceptions import LLMRingError

PROTOCOLS = pytest.mark.parametrize("sides", SIDES.values(), ids=SIDES)
SAME: list[LLMRingError] = [
    ours.ProviderAuthenticationError("No."),
    ours.ProviderPermissionError("No."),
    ours.ProviderQuotaError("No."),
    ours.ProviderRateLimitError("No.", retry_after=2.5),
    ours.ProviderServerError("No."),
    ours.ProviderServerError("No.", status_code=507),
    ours.ProviderOverloadedError("No.", retry_after=3.0),
    ours.ProviderBadRequestError("No."),
    ours.ProviderBadRequestError("No.", status_code=422),
    ours.ProviderUnsupportedRequestError("No."),
    ours.ProviderRequestTooLargeError("No."),
    ours.ModelNotFoundError("No."),
]
"""Those that the other side knows as themselves."""

OTHERS: list[tuple[LLMRingError, type[LLMRingError]]] = [
    (ours.ProviderTimeoutError("No."), ours.ProviderServerError),  # 504: the host got no answer in time
    (ours.ProviderConnectionError("No."), ours.ProviderServerError),
    (ours.ProxyAuthenticationError("No."), ours.ProviderServerError),
    (ours.MalformedResponseError("No."), ours.ProviderServerError),
    (ours.StreamInterruptedError("No."), ours.ProviderServerError),
    (ours.ProviderResponseTooLargeError("No."), ours.ProviderServerError),
    (ours.ModelCapabilityError("No."), ours.ProviderUnsupportedRequestError),
    (ours.UnsupportedContentError("No.", provider="p", part="audio"), ours.ProviderUnsupportedRequestError),
    (ours.ValidationError("No."), ours.ProviderBadRequestError),
    (ours.ProviderNotFoundError("No."), ours.ModelNotFoundError),
    (ours.AliasNotFoundError("No.", alias="a"), ours.ModelNotFoundError),
    (
        ours.CircuitBreakerError("No.", provider="p", retry_after=3, failure_count=5),
        ours.ProviderOverloadedError,
    ),
    (ours.BudgetExceededError("No.", model="m", cost_status="budget"), ours.ProviderQuotaError),
    (ours.ConfigurationError("No."), ours.ProviderServerError),
]
"""What the other side makes of errors that are the host's own."""


@PROTOCOLS
@pytest.mark.parametrize("error", SAME, ids=lambda error: f"{type(error).__name__}-{error.status_code}")
def test_an_error_keeps_its_type(sides: Sides, error: ours.ProviderError) -> None:
    read = sides.error(error)

    assert type(read) is type(error)
    assert "No." in str(read)
    assert getattr(read, "retry_after", None) == getattr(error, "retry_after", None)
    if error.status_code is not None:
        assert isinstance(read, ours.ProviderError)
        assert read.status_code == error.status_code


@PROTOCOLS
@pytest.mark.parametrize(("made", "expected"), OTHERS, ids=[type(made).__name__ for made, _ in OTHERS])
def test_an_error_of_the_hosts_own_has_the_nearest_type(
    sides: Sides, made: LLMRingError, expected: type[LLMRingError]
) -> None:
    read = sides.error(made)

    assert type(read) is expected
    assert read.retryable >= made.retryable


@PROTOCOLS
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 503, 507, 529])
def test_an_error_keeps_the_status_that_it_came_with(sides: Sides, status: int) -> None:
    made = sides.adapter.error(status, {}, b"No.", sides.call(hello()))

    assert sides.codec.error(made).status == status


@PROTOCOLS
@pytest.mark.parametrize("status", [600, 999])
def test_a_status_that_http_does_not_have_is_that_of_a_failed_server(sides: Sides, status: int) -> None:
    made = sides.adapter.error(status, {}, b"No.", sides.call(hello()))

    assert sides.codec.error(made).status == 500
