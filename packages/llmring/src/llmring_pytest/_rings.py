"""The rings of tests."""

import llmring_lockfile as lockfiles
import pytest
from llmring import LLMRing, ModelRef, Policy, RetryPolicy
from llmring.testing import FakeProvider
from llmring_lockfile import Binding, Lockfile, Profile
from llmring_types.hosts import HOSTS

_REPORTING = ("LLMRING_SERVER_URL", "LLMRING_PREFER_SAAS", "LLMRING_USAGE_LOG")
_AT_ONCE = Policy(retry=RetryPolicy(base_s=0))


def lockfile_of_project() -> Lockfile:
    """Return the lockfile that a ring would find here; where there is none, one that binds ``default``."""
    found = lockfiles.discover(None)
    if not found.is_bundled:
        return lockfiles.load(found.path)
    binding = Binding("default", (ModelRef("openai", "gpt-5-mini"),))
    return Lockfile(profiles={"default": Profile("default", (binding,))})


def ring_of(fake: FakeProvider, lockfile: Lockfile) -> LLMRing:
    """Return a ring all of whose providers are this one. Its retries do not wait."""
    ring = _ring(lockfile, _AT_ONCE)
    bound = (
        ref.provider
        for profile in lockfile.profiles.values()
        for binding in profile.bindings
        for ref in binding.models
    )
    for name in {*HOSTS, fake.name, *bound}:
        ring.register_provider(name, fake)
    return ring


def ring_of_environment(lockfile: Lockfile) -> LLMRing:
    """Return a ring with the real providers, as the environment has them."""
    return _ring(lockfile, None)


def _ring(lockfile: Lockfile, policy: Policy | None) -> LLMRing:
    """Return a ring that reports its calls nowhere, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _REPORTING:
            patch.delenv(name, raising=False)
        return LLMRing(lockfile=lockfile, policy=policy)
