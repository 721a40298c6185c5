"""Exact token counts from the provider, at the price of one more request."""

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

import msgspec
from llmring_providers import ChatCall, Provider
from llmring_types import LLMRequest
from llmring_types.exceptions import LLMRingError, ProviderResponseError, ProviderTimeoutError
from msgspec import UNSET

from llmring._routing import Candidate, Route
from llmring._runtime import TimeLimitError, within
from llmring.structured import prepare
from llmring.tokens import context_problem, fills_half


@runtime_checkable
class CountsTokens(Protocol):
    """A provider with a count endpoint; third-party ones may have the method too."""

    async def count_tokens(self, call: ChatCall) -> int:
        """Return the input tokens of the call."""


class TokenCounter:
    """Has providers count.

    Args:
        providers: name to provider.
        timeout: seconds that a provider may take, where the request does not say otherwise; ``None`` for no limit.
    """

    def __init__(self, providers: Mapping[str, Provider], *, timeout: float | None) -> None:
        self._providers = providers
        self._timeout = timeout

    async def count(self, request: LLMRequest, candidate: Candidate) -> int:
        """Return the input tokens that the candidate's provider counts.

        Raises:
            ProviderError: it does not count, or refused, or cannot be reached.
        """
        ref = candidate.ref
        if candidate.unusable is not None:
            raise candidate.unusable
        provider = self._providers[ref.provider]
        if not isinstance(provider, CountsTokens):
            raise ProviderResponseError("this provider does not count tokens", provider=ref.provider)
        limit = self._timeout if request.timeout is UNSET else request.timeout
        call = ChatCall(prepare(request)[0], ref, candidate.facts)
        try:
            return await within(limit, provider.count_tokens(call))
        except TimeLimitError:
            raise ProviderTimeoutError(
                f"{ref} did not count the tokens within {limit:g} s",
                provider=ref.provider,
                model=ref.model,
                timeout=limit,
            ) from None

    async def first_problem(self, request: LLMRequest, candidates: Iterable[Candidate]) -> str | None:
        """Return why the request cannot fit the first of the candidates that it does not fit."""
        for candidate in candidates:
            said = await self._problem(request, candidate)
            if said is not None:
                return said
        return None

    async def mark_too_small(self, request: LLMRequest, route: Route) -> Route:
        """Return the route with the candidates marked that the request does not fit, up to the first that it fits."""
        candidates = list(route.candidates)
        for place, candidate in enumerate(candidates):
            if candidate.unusable is not None:
                continue
            said = await self._problem(request, candidate)
            if said is None:
                break
            candidates[place] = candidate.too_large(said)
        return msgspec.structs.replace(route, candidates=candidates)

    async def _problem(self, request: LLMRequest, candidate: Candidate) -> str | None:
        """Return why it does not fit: by the count where the estimate leaves a doubt and somebody counts."""
        exact = None
        if fills_half(request, candidate.facts):
            try:
                exact = await self.count(request, candidate)
            except LLMRingError:  # the call itself will say what is wrong with key, network or request
                exact = None
        return context_problem(request, candidate.facts, exact=exact)
