"""``llmring serve``: the aliases of a lockfile for every language, by the protocols that programs speak already.

``app(ring)`` is an ASGI application; it needs no extra. ``run`` puts it into a server of its own (extra ``serve``).
"""

from llmring.serve._app import Gateway, app
from llmring.serve._exchange import Exchange
from llmring.serve._keys import Budget, GatewayKey, KeyState, KeyStore, NewKey, default_store
from llmring.serve._live import EndedCall, LiveCall, LiveCalls
from llmring.serve._page import Page, PageServer
from llmring.serve._server import run

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
    "NewKey",
    "Page",
    "PageServer",
    "app",
    "default_store",
    "run",
]
