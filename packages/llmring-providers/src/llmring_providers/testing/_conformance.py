"""The checks as tests that a provider's own test suite collects."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum
from functools import partial

from llmring_types import ModelRef
from llmring_types.exceptions import (
    LLMRingError,
    ModelNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderConnectionError,
    ProviderRateLimitError,
    ProviderServerError,
)

from llmring_providers._protocol import Provider
from llmring_providers.testing import _checks as checks

Check = Callable[[Provider, ModelRef], Awaitable[None]]


class Scenario(Enum):
    """The behaviour of the far end while a provider is checked."""

    TEXT = (
        "every call is answered with some text, streamed in several pieces; usage is reported always or never"
    )
    TOOL_CALL = "every call is answered with a call of the tool get_weather, whose arguments are an object"
    UNAUTHORIZED = "the key is refused (401)"
    UNKNOWN_MODEL = "the model does not exist (404)"
    BAD_REQUEST = "the request is rejected (400)"
    RATE_LIMITED = "there are too many requests (429)"
    SERVER_ERROR = "the server fails (500)"
    UNREACHABLE = "nobody listens, or the connection breaks before an answer"
    CUT_STREAM = "a stream's body ends, properly, in the middle of the answer"
    SILENT = "the connection is accepted and nothing is ever answered"


FAILURES: Mapping[Scenario, type[LLMRingError]] = {
    Scenario.UNAUTHORIZED: ProviderAuthenticationError,
    Scenario.UNKNOWN_MODEL: ModelNotFoundError,
    Scenario.BAD_REQUEST: ProviderBadRequestError,
    Scenario.RATE_LIMITED: ProviderRateLimitError,
    Scenario.SERVER_ERROR: ProviderServerError,
    Scenario.UNREACHABLE: ProviderConnectionError,
}


class ProviderConformance:
    """Tests that every provider passes. Subclass it in a test module under a name that begins with ``Test``.

    A subclass says how to get a provider whose other end behaves as a scenario says. Where that cannot be arranged,
    it raises ``unittest.SkipTest``. The tests are plain functions that run their own event loop (asyncio), so no plugin
    is needed.

    Attributes:
        ref: a model of the provider.
        secret: a key that the provider was given, which no error may tell.
        patience_s: seconds after which a test has failed.
    """

    ref: ModelRef
    secret: str | None = None
    patience_s: float = 30.0

    def serving(self, scenario: Scenario) -> AbstractAsyncContextManager[Provider]:
        """Return a context in which the provider meets this scenario. It closes what it opened, provider included."""
        raise NotImplementedError

    def check(self, scenario: Scenario, check: Check) -> None:
        """Run one check in a loop of its own."""

        async def main() -> None:
            async with asyncio.timeout(self.patience_s), self.serving(scenario) as provider:
                await check(provider, self.ref)

        asyncio.run(main())

    def check_failure(self, scenario: Scenario) -> None:
        """Run the scenario and look at the error it ends in."""
        self.check(scenario, partial(checks.fails, expected=FAILURES[scenario], secret=self.secret))

    def test_a_whole_answer_has_the_neutral_form(self) -> None:
        self.check(Scenario.TEXT, checks.answers)

    def test_a_stream_gives_the_same_answer(self) -> None:
        self.check(Scenario.TEXT, checks.streams)

    def test_an_answer_can_be_sent_back(self) -> None:
        self.check(Scenario.TEXT, checks.goes_on)

    def test_an_unknown_part_is_refused(self) -> None:
        self.check(Scenario.TEXT, checks.refuses_unknown_content)

    def test_a_stream_can_be_left(self) -> None:
        self.check(Scenario.TEXT, checks.can_be_left)

    def test_calls_run_side_by_side(self) -> None:
        self.check(Scenario.TEXT, checks.serves_many)

    def test_it_can_be_closed_twice(self) -> None:
        self.check(Scenario.TEXT, checks.closes_twice)

    def test_tool_calls_have_the_neutral_form(self) -> None:
        self.check(Scenario.TOOL_CALL, checks.calls_tools)

    def test_a_refused_key_is_typed(self) -> None:
        self.check_failure(Scenario.UNAUTHORIZED)

    def test_an_unknown_model_is_typed(self) -> None:
        self.check_failure(Scenario.UNKNOWN_MODEL)

    def test_a_rejected_request_is_typed(self) -> None:
        self.check_failure(Scenario.BAD_REQUEST)

    def test_a_rate_limit_is_typed(self) -> None:
        self.check_failure(Scenario.RATE_LIMITED)

    def test_a_failing_server_is_typed(self) -> None:
        self.check_failure(Scenario.SERVER_ERROR)

    def test_no_connection_is_typed(self) -> None:
        self.check_failure(Scenario.UNREACHABLE)

    def test_a_cut_stream_is_no_answer(self) -> None:
        self.check(Scenario.CUT_STREAM, checks.notices_a_cut)

    def test_a_waiting_call_can_be_cancelled(self) -> None:
        self.check(Scenario.SILENT, checks.can_be_cancelled)
