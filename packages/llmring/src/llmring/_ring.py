"""The facade: one async client for every provider."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, cast

from llmring_lockfile import Lockfile
from llmring_providers.transport import Transport
from llmring_types import LLMRequest, LLMResponse, Parsed, Prices
from msgspec import UNSET, UnsetType

from llmring._aliases import Aliases, one_of
from llmring._ask import AsksQuestions
from llmring._call import Call
from llmring._chat import Chat
from llmring._facade import RingFacade
from llmring._failover import Failover
from llmring._maps import MapsRequests
from llmring._money.accounting import Accounting
from llmring._money.counting import TokenCounter
from llmring._observing.reporting import open_observers, open_server, open_transport
from llmring._original import OriginalMethods
from llmring._policy import Policy, check_bytes, check_policy, check_seconds
from llmring._providers import Providers, SdkProvider
from llmring._records import Observer
from llmring._resources import EmbedsTexts, RegistersFiles
from llmring._routing import Router
from llmring._runs import RunsTools
from llmring._settings import Settings, has_user_hosts, open_registry
from llmring._stream import ChatStream
from llmring.tokens import context_problem

if TYPE_CHECKING:
    from llmring_providers.transport.httpx import HttpClient

    from llmring._sync import SyncLLMRing

P = ParamSpec("P")


def sync_form(init: Callable[Concatenate["LLMRing", P], None]) -> "Callable[P, SyncLLMRing]":
    """Return what makes the sync form of a ring, with the arguments of the async one."""

    def make(*args: P.args, **kwargs: P.kwargs) -> "SyncLLMRing":
        from llmring._sync import SyncLLMRing  # noqa: PLC0415 - only for code without await

        ring = LLMRing.__new__(LLMRing)
        init(ring, *args, **kwargs)
        return SyncLLMRing(ring)

    return make


class LLMRing(
    RingFacade, AsksQuestions, MapsRequests, RunsTools, EmbedsTexts, RegistersFiles, OriginalMethods
):
    """Sends requests to whichever model the lockfile binds.

    ``async with LLMRing() as ring: response = await ring.chat(request)``. One ring serves any number of concurrent
    calls; make one per application, not one per call.

    Args:
        origin: who is asking, for the usage log.
        registry_url: where model facts come from; without it ``LLMRING_REGISTRY_URL``, then the published registry.
        lockfile_path: the lockfile; without it ``LLMRING_LOCKFILE_PATH``, then ``./llmring.lock``.
        server_url: usage server; without it ``LLMRING_SERVER_URL``. Calls are reported to it in the background.
        api_key: key for the usage server; without it ``LLMRING_API_KEY``.
        log_metadata: report tokens, cost and model of each call to the usage server.
        log_conversations: report messages and answers as well.
        alias_cache_size: alias resolutions kept.
        alias_cache_ttl: seconds that they are kept.
        timeout: seconds for one attempt, ``None`` for no limit; absent takes ``LLMRING_PROVIDER_TIMEOUT_S``, then 60.
        strict_cost: send nothing to a model whose price cannot be known; raise where a pool has no other.
        policy: retries, deadlines, breakers, limits and the budget.
        prices: those of hosts of one's own, by ``provider:model`` or ``provider:*``; they come before the registry's.
        lockfile: a lockfile in memory, instead of a path.
        transport: carries the bytes of all providers instead of llmring's own; closed with the ring.
        usage_log: SQLite file for a local log of usage (:mod:`llmring.usage`); without it ``LLMRING_USAGE_LOG``.
        observers: called with a :class:`CallRecord` after every call.
        http_client: an ``httpx.AsyncClient`` or ``httpx2.AsyncClient`` that carries all traffic of the ring, with its
            proxies, certificates, hooks and mocks; it stays yours and is not closed.
        max_response_bytes: limit on the size of an answer, after decompression, ``None`` for no limit; absent takes
            ``LLMRING_MAX_RESPONSE_BYTES``, then 64 MiB.

    Raises:
        LockfileNotFoundError: the lockfile named does not exist (also a ``FileNotFoundError``).
        LockfileParseError: it cannot be read (also a ``ValueError``).
        ConfigurationError: the timeout is not a length of time, an environment variable has a value of the wrong
            kind, or the server's URL is not valid.
    """

    def __init__(  # noqa: PLR0917 - the documented API takes them by position
        self,
        origin: str = "llmring",
        registry_url: str | None = None,
        lockfile_path: str | Path | None = None,
        server_url: str | None = None,
        api_key: str | None = None,
        log_metadata: bool = True,
        log_conversations: bool = False,
        alias_cache_size: int = 100,
        alias_cache_ttl: float = 3600,
        timeout: float | UnsetType | None = UNSET,
        strict_cost: bool = False,
        *,
        policy: Policy | None = None,
        prices: Mapping[str, Prices] = MappingProxyType({}),
        lockfile: Lockfile | None = None,
        transport: Transport | None = None,
        usage_log: str | Path | None = None,
        observers: Sequence[Observer] = (),
        max_response_bytes: int | UnsetType | None = UNSET,
        http_client: "HttpClient | None" = None,
    ) -> None:
        settings = Settings.from_environment()
        if has_user_hosts():
            from llmring.hosts import register_user_hosts  # noqa: PLC0415 - most people have no hosts of their own

            register_user_hosts()
        self.origin = origin
        self.server_url = server_url if server_url is not None else settings.server.url
        self.log_metadata = log_metadata or log_conversations  # an exchange has its row of usage
        self.log_conversations = log_conversations
        check_seconds("timeout", timeout)
        check_bytes("max_response_bytes", max_response_bytes)
        check_policy(policy)
        self.default_timeout = settings.timeout if timeout is UNSET else timeout
        self.registry = open_registry(registry_url)
        self._providers = Providers(
            open_transport(settings, transport, http_client),
            loopback_only=not settings.allow_network,
            max_response_bytes=settings.max_response_bytes
            if max_response_bytes is UNSET
            else max_response_bytes,
        )
        self._accounting = Accounting(
            self.registry, strict=strict_cost or settings.strict_cost, prices=prices
        )
        self._aliases = Aliases(
            lockfile_path,
            lockfile,
            cache_size=alias_cache_size,
            cache_ttl=alias_cache_ttl,
            providers=self._providers,
        )
        self._router = Router(self._aliases, self._providers, self._accounting)
        self._counter = TokenCounter(self._providers, timeout=self.default_timeout)
        key = settings.server.api_key if api_key is None else api_key
        self.server_client = open_server(self.server_url, key, settings, http_client)
        self._chat = Chat(
            self._router,
            self._providers,
            Failover(policy or Policy(retry=settings.retry)),
            self._accounting,
            self._counter,
            origin=origin,
            observers=open_observers(
                observers,
                server=self.server_client if self.log_metadata else None,
                conversations=log_conversations,
                usage_log=settings.usage_log if usage_log is None else usage_log,
                capture_content=settings.capture_content,
                base_url_of=self._providers.base_url,
                secrets=self._providers.secrets,
            ),
            timeout=self.default_timeout,
            call_type=Call,
        )

    sync = staticmethod(sync_form(__init__))
    """Make a ring for code without ``await``, with the same arguments: ``with LLMRing.sync() as ring: …``."""

    def __repr__(self) -> str:
        return f"LLMRing(origin={self.origin!r}, lockfile={str(self._aliases.path)!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Report what waits to be, within five seconds each, and close every connection.

        The ring can be used again; it then opens new ones. Where an observer or a provider fails to close, the others
        are closed all the same, and its error is raised.
        """
        try:
            await self._chat.watcher.observers.aclose()
        finally:
            await self._providers.aclose()

    # ------------------------------------------------------------------ chat

    async def chat(self, request: LLMRequest[Parsed], profile: str | None = None) -> LLMResponse[Parsed]:
        """Send the request and return the whole answer.

        Args:
            request: never changed.
            profile: the lockfile's profile; ``LLMRING_PROFILE``, then the lockfile's own default.

        Raises:
            AliasNotFoundError: the alias is not bound (also a ``ValueError``).
            ProviderNotFoundError: no model of the pool has its provider configured.
            ProviderAuthenticationError: a key was refused.
            ModelNotFoundError: the provider does not know the model.
            ProviderRateLimitError: too many requests; ``retry_after`` says how long to wait, if the provider did.
            ProviderTimeoutError: the answer did not come in time (also a ``TimeoutError``).
            LLMRingError: whatever else went wrong; ``attempts`` on it lists what was tried.
        """
        return await self._chat.call_type(self._chat, request, profile, streamed=False).answer()

    def chat_stream(self, request: LLMRequest[Parsed], profile: str | None = None) -> ChatStream[Parsed]:
        """Send the request and return the answer in chunks: ``async for chunk in ring.chat_stream(request)``.

        The last chunk has ``finish_reason``, usage with cost, and the complete tool calls. Another member of
        the pool is tried only until the first chunk has come. The errors are those of :meth:`chat`, raised
        while iterating; one that comes in the middle carries what came before it as ``partial``.
        """
        return ChatStream(self._chat.call_type(self._chat, request, profile, streamed=True))

    # ------------------------------------------------------------------ providers

    def get_provider(self, name: str | None = None, *, provider_type: str | None = None) -> SdkProvider:
        """Return a provider; its ``client`` is the vendor's own SDK client, for what llmring does not cover.

        One of your own has the ``client`` that you gave it, if any. ``provider_type`` is another word for ``name``.

        Raises:
            ProviderNotFoundError: there is none of this name, or its key is not set.
        """
        name = one_of("name", name, "provider_type", provider_type)
        problem = self._providers.problem(name)
        if problem is not None:
            raise problem
        return cast("SdkProvider", self._providers[name])

    async def get_available_models(self) -> dict[str, list[str]]:
        """Return each provider that can be used with the names of its models, as the registry has them."""
        return self._accounting.active_models(self._providers)

    async def validate_context_limit(
        self, request: LLMRequest, profile: str | None = None, *, exact: bool = False
    ) -> str | None:
        """Return why the request cannot fit every model that it may be sent to; ``None`` if it may, or nobody knows.

        Args:
            request: what would be sent.
            profile: the lockfile's profile.
            exact: have providers count the tokens where the estimate leaves a doubt; it stands where they cannot.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
        """
        candidates = self._router.route(request.model, profile).candidates
        if request.files:
            request = await self._chat.files.inlined(request)
        if not exact:
            problems = (context_problem(request, candidate.facts) for candidate in candidates)
            return next(filter(None, problems), None)
        return await self._counter.first_problem(request, candidates)

    async def count_tokens(self, request: LLMRequest, profile: str | None = None) -> int:
        """Return the input tokens of a request as the provider of the first usable model counts them.

        OpenAI, Anthropic and Gemini count, without charge; :func:`llmring.tokens.estimate_tokens` asks nobody.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
            ProviderError: the provider does not count, or refused, or cannot be reached.
        """
        candidates = self._router.route(request.model, profile).candidates
        if request.files:
            request = await self._chat.files.inlined(request)
        usable = next((each for each in candidates if each.unusable is None), candidates[0])
        return await self._counter.count(request, usable)

    # ------------------------------------------------------------------ costs

    async def calculate_cost(self, response: LLMResponse) -> dict[str, float | None] | None:
        """Return what an answer cost: dollars per part, and the rates; ``None`` where that cannot be known."""
        return self._accounting.response_cost(response)
