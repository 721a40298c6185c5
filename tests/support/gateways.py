"""Gateways before the simulator, and requests of each protocol to them."""

from decimal import Decimal
from typing import Any

from llmring import LLMRing, Policy, RetryPolicy
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


def ring_of(*rules: Rule, **settings: Any) -> LLMRing:
    profile = Profile(
        name="default", bindings=(binding("fast", "sim:small"), binding("safe", "sim:bad", "sim:good"))
    )
    other = Profile(name="other", bindings=(binding("fast", "sim:other"),))
    ring = LLMRing(
        lockfile=Lockfile(profiles={"default": profile, "other": other}),
        policy=Policy(retry=RetryPolicy(attempts=1), breaker=None),
        prices={"sim:*": Prices(input=Decimal(1), output=Decimal(2))},
        **settings,
    )
    script = Script(rules=rules or (Rule(answer=WORDS),))
    ring.register_provider("sim", create(ProviderSettings(name="sim", transport=SimTransport()), script))
    return ring
