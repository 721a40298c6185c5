"""``llmring serve``: the aliases of a lockfile for every language, by the protocols that programs speak already.

``app(ring)`` is an ASGI application; it needs no extra. ``run`` puts it into a server of its own (extra ``serve``),
``run_workers`` and ``run_worker`` into several processes at one address.
"""

from typing import TYPE_CHECKING

from llmring_types.lazy import load_on_use

if TYPE_CHECKING:
    from llmring.serve._app import Gateway, app
    from llmring.serve._exchange import Exchange
    from llmring.serve._keys import Budget, GatewayKey, KeyState, KeyStore, NewKey, default_store
    from llmring.serve._live import EndedCall, LiveCall, LiveCalls
    from llmring.serve._page import MemorySessions, Page, PageServer, SessionStore
    from llmring.serve._server import run, run_worker
    from llmring.serve._supervisor import run_workers
    from llmring.serve._worker import Worker

__all__ = [
    "Budget",
    "EndedCall",
    "Exchange",
    "Gateway",
    "GatewayKey",
    "KeyState",
    "KeyStore",
    "LiveCall",
    "LiveCalls",
    "MemorySessions",
    "NewKey",
    "Page",
    "PageServer",
    "SessionStore",
    "Worker",
    "app",
    "default_store",
    "run",
    "run_worker",
    "run_workers",
]

if not TYPE_CHECKING:
    # Supervisors and commands of keys do without the ring and the codecs, which take half a second to load.
    __getattr__, __dir__ = load_on_use(
        globals(),
        {
            "llmring.serve._app": (
                "Gateway",
                "app",
            ),
            "llmring.serve._exchange": ("Exchange",),
            "llmring.serve._keys": (
                "Budget",
                "GatewayKey",
                "KeyState",
                "KeyStore",
                "NewKey",
                "default_store",
            ),
            "llmring.serve._live": (
                "EndedCall",
                "LiveCall",
                "LiveCalls",
            ),
            "llmring.serve._page": (
                "MemorySessions",
                "Page",
                "PageServer",
                "SessionStore",
            ),
            "llmring.serve._server": (
                "run",
                "run_worker",
            ),
            "llmring.serve._supervisor": ("run_workers",),
            "llmring.serve._worker": ("Worker",),
        },
    )
