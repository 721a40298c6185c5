"""``llmring serve``: the aliases of a lockfile for every language, by the protocols that programs speak already.

``app(ring)`` is an ASGI application; it needs no extra. ``run`` puts it into a server of its own (extra ``serve``).
"""

from llmring.serve._app import Gateway, app
from llmring.serve._keys import Budget, GatewayKey, KeyState, KeyStore, NewKey, default_store
from llmring.serve._server import run

__all__ = ["Budget", "Gateway", "GatewayKey", "KeyState", "KeyStore", "NewKey", "app", "default_store", "run"]
