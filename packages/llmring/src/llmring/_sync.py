"""The ring for code without ``await``: one event loop, kept in a thread, does the work."""

import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from threading import Lock, Thread, get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack
from weakref import finalize

from llmring_types import LLMRequest, LLMResponse, Message, Parsed

from llmring._ask import AsksQuestionsSync
from llmring._facade import RingFacade
from llmring._maps import MapsRequestsSync
from llmring._resources import ListsFiles
from llmring._runtime import calling_for
from llmring._sync_streams import SyncChatStream, SyncRunStream

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from llmring_types import EmbeddingRequest, EmbeddingResponse, ModelFacts, RerankRequest, RerankResponse

    from llmring._ring import LLMRing
    from llmring.tools import Run
    from llmring.tools._options import RunOptions

T = TypeVar("T")


class _Loop:
    """An event loop in a thread of its own, from its first use until it is stopped."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._portal: BlockingPortal | None = None
        self._thread: Thread | None = None
        self._process = 0

    @property
    def thread_id(self) -> int | None:
        """The thread of the loop, if it runs."""
        return None if self._thread is None else self._thread.ident

    def runs(self) -> bool:
        """Return whether it has begun and was not stopped."""
        return self._running() is not None

    def _running(self) -> "BlockingPortal | None":
        return self._portal if self._process == os.getpid() else None  # a fork leaves the thread behind

    def run(self, func: Callable[..., Awaitable[T]], *args: Any) -> T:
        """Run an async function to its end. A caller that is interrupted cancels it.

        Raises:
            RuntimeError: the loop itself calls, which would wait for itself.
        """
        portal = self._running() or self._start()
        with calling_for(get_ident()):
            future = portal.start_task_soon(func, *args)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the loop; the next :meth:`run` begins another."""
        with self._lock:
            portal, thread = self._running(), self._thread
            self._portal = self._thread = None
        if portal is not None and thread is not None:
            portal.call(portal.stop, True)  # what an interrupted caller has left behind is cancelled
            thread.join()

    def _start(self) -> "BlockingPortal":
        import anyio  # noqa: PLC0415 - only where there is no loop yet
        from anyio.from_thread import BlockingPortal  # noqa: PLC0415 - as above

        async def serve(ready: "Future[BlockingPortal]") -> None:
            async with BlockingPortal() as portal:
                ready.set_result(portal)
                await portal.sleep_until_stopped()

        with self._lock:
            portal = self._running()
            if portal is not None:
                return portal
            ready: Future[BlockingPortal] = Future()
            self._thread = Thread(target=lambda: anyio.run(serve, ready), name="llmring", daemon=True)
            self._thread.start()
            self._process = os.getpid()
            portal = self._portal = ready.result()
            return portal


def _close(loop: _Loop, ring: "LLMRing") -> None:
    """Deliver what waits, close the connections, end the thread: also at exit, and from the loop's own thread."""
    if not loop.runs():
        return

    def work() -> None:
        try:
            loop.run(ring.close)
        finally:
            loop.stop()

    if get_ident() == loop.thread_id:
        Thread(target=work, daemon=True).start()  # the loop would wait for itself
    else:
        work()  # in this thread: at exit, Python 3.12 and newer start no other


class SyncLLMRing(RingFacade, AsksQuestionsSync, ListsFiles, MapsRequestsSync):
    """:class:`LLMRing` for code without ``await``; ``LLMRing.sync(…)`` makes one, with the same arguments.

    ``with LLMRing.sync() as ring: response = ring.chat(request)``. Any thread may use it, several at once,
    and so may code that an event loop runs already, as in a notebook. Methods return and raise what the async ones do.

    Args:
        ring: what does the work. Only this object's own loop may use it.
    """

    def __init__(self, ring: "LLMRing") -> None:
        self._ring = ring
        self._providers, self._aliases = ring._providers, ring._aliases  # noqa: SLF001 - the same object in another form
        self._router, self._chat = ring._router, ring._chat  # noqa: SLF001 - as above
        self._loop = _Loop()
        finalize(self, _close, self._loop, ring)

    def __repr__(self) -> str:
        return f"Sync{self._ring!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """As :meth:`LLMRing.close`, and end the thread. The ring can be used again."""
        if self._loop.runs():
            try:
                self._loop.run(self._ring.close)
            finally:
                self._loop.stop()

    def run_async(self, func: "Callable[[LLMRing], Awaitable[T]]") -> T:
        """Run an async function of the async ring on the ring's loop, for whatever has no method here.

        ``ring.run_async(lambda ring: ring.get_provider("openai").models())``.
        """
        return self._loop.run(func, self._ring)

    def run(self, request: LLMRequest[Parsed], **options: "Unpack[RunOptions]") -> "Run[Parsed]":
        """As :meth:`LLMRing.run`; sync tools run in threads of their own."""
        return self.run_async(lambda ring: ring.run(request, **options))

    def run_stream(
        self, request: LLMRequest[Parsed], **options: "Unpack[RunOptions]"
    ) -> SyncRunStream[Parsed]:
        """As :meth:`LLMRing.run_stream`: ``for event in ring.run_stream(request, tools=…)``."""
        return SyncRunStream(self._ring.run_stream(request, **options), self._loop)

    def chat(self, request: LLMRequest[Parsed], profile: str | None = None) -> LLMResponse[Parsed]:
        """As :meth:`LLMRing.chat`."""
        return self._loop.run(self._ring.chat, request, profile)

    def chat_stream(self, request: LLMRequest[Parsed], profile: str | None = None) -> SyncChatStream[Parsed]:
        """As :meth:`LLMRing.chat_stream`: ``for chunk in ring.chat_stream(request)``."""
        return SyncChatStream(self._ring.chat_stream(request, profile), self._loop)

    def embed(self, request: "EmbeddingRequest", profile: str | None = None) -> "EmbeddingResponse":
        """As :meth:`LLMRing.embed`."""
        return self._loop.run(self._ring.embed, request, profile)

    def rerank(self, request: "RerankRequest", profile: str | None = None) -> "RerankResponse":
        """As :meth:`LLMRing.rerank`."""
        return self._loop.run(self._ring.rerank, request, profile)

    def count_tokens(self, request: LLMRequest, profile: str | None = None) -> int:
        """As :meth:`LLMRing.count_tokens`."""
        return self._loop.run(self._ring.count_tokens, request, profile)

    def validate_context_limit(
        self, request: LLMRequest, profile: str | None = None, *, exact: bool = False
    ) -> str | None:
        """As :meth:`LLMRing.validate_context_limit`."""
        return self.run_async(lambda ring: ring.validate_context_limit(request, profile, exact=exact))

    def deregister_file(self, file_id: str) -> bool:
        """As :meth:`LLMRing.deregister_file`."""
        return self._loop.run(self._ring.deregister_file, file_id)

    def chat_with_alias(self, alias_or_model: str, messages: Sequence[Message], **fields: Any) -> LLMResponse:
        """As :meth:`LLMRing.chat_with_alias`; for a stream, :meth:`chat_stream`."""
        answer: LLMResponse = self.run_async(
            lambda ring: ring.chat_with_alias(alias_or_model, messages, **fields)
        )
        return answer

    def get_model_from_registry(self, provider: str, model_name: str) -> "ModelFacts | None":
        """As :meth:`LLMRing.get_model_from_registry`."""
        return self._loop.run(self._ring.get_model_from_registry, provider, model_name)

    def get_model_info(self, alias_or_model: str, profile: str | None = None) -> dict[str, Any]:
        """As :meth:`LLMRing.get_model_info`."""
        return self._loop.run(self._ring.get_model_info, alias_or_model, profile)

    def get_enhanced_model_info(self, alias_or_model: str, profile: str | None = None) -> dict[str, Any]:
        """As :meth:`LLMRing.get_enhanced_model_info`."""
        return self._loop.run(self._ring.get_enhanced_model_info, alias_or_model, profile)

    def get_available_models(self) -> dict[str, list[str]]:
        """As :meth:`LLMRing.get_available_models`."""
        return self._loop.run(self._ring.get_available_models)

    def calculate_cost(self, response: LLMResponse) -> dict[str, float | None] | None:
        """As :meth:`LLMRing.calculate_cost`."""
        return self._loop.run(self._ring.calculate_cost, response)
