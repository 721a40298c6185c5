"""``llmring serve``: the aliases of a lockfile for every language, by the protocols that programs speak already.

``app(ring)`` is an ASGI application; it needs no extra. ``run`` puts it into a server of its own (extra ``serve``),
``run_workers`` and ``run_worker`` into several processes at one address.
"""

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
