"""Gateways before the simulator, and requests of each protocol to them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Thread
from typing import Any

import uvicorn
from llmring import LLMRing, Policy, RetryPolicy
from llmring.serve import Gateway, KeyStore, PageServer, app
from llmring.serve._protocol import LimitedProtocol
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_providers import ProviderSettings
from llmring_providers.sim import Answer, Rule, Script, SimTransport, create
from llmring_types import ModelRef, Prices

HELLO = [{"role": "user", "content": "Hello"}]
CHAT = {"model": "fast", "messages": HELLO}
CLAUDE = {**CHAT, "max_tokens": 100}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
RESPONSES = {"model": "fast", "input": "Hello"}
STREAMED = {"stream": True}
OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
WORDS = Answer(text="Good morning to you", chunk_size=5)


def binding(alias: str, *models: str) -> Binding:
    return Binding(alias=alias, models=tuple(map(ModelRef.parse, models)))


ONCE = Policy(retry=RetryPolicy(attempts=1), breaker=None)


def ring_of(*rules: Rule, policy: Policy = ONCE, **settings: Any) -> LLMRing:
    profile = Profile(
        name="default", bindings=(binding("fast", "sim:small"), binding("safe", "sim:bad", "sim:good"))
    )
    other = Profile(name="other", bindings=(binding("fast", "sim:other"),))
    of_sdks = Profile(
        name="sdks",
        bindings=tuple(binding(name, f"sim:{name}") for name in ("fast", "calls", "cut", "slow", "json")),
    )
    ring = LLMRing(
        lockfile=Lockfile(profiles={"default": profile, "other": other, "sdks": of_sdks}),
        policy=policy,
        prices={"sim:*": Prices(input=Decimal(1), output=Decimal(2))},
        **settings,
    )
    script = Script(rules=rules or (Rule(answer=WORDS),))
    ring.register_provider("sim", create(ProviderSettings(name="sim", transport=SimTransport()), script))
    return ring


@contextmanager
def listening(served: Gateway | PageServer) -> Iterator[str]:
    """Serve an application over real HTTP, in a thread of its own, and yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            served, http=LimitedProtocol, log_level="error", lifespan="off", access_log=False
        )
        server = uvicorn.Server(config)
        thread = Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serving(*rules: Rule, keys: KeyStore | None = None, **settings: Any) -> Iterator[str]:
    """Serve a ring, and yield the URL."""
    with listening(app(ring_of(*rules, **settings), keys=keys)) as url:
        yield url
