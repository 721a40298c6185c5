"""The configuration found here, as values. Keys are never among them."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec
from llmring import LLMRing, ProviderStatus, open_registry, provider_status, usage_log_path
from llmring.registry import PROVIDERS, Registry
from llmring.usage import UsageLog, stats
from llmring_lockfile import Lockfile, active_profile, discover, load
from llmring_providers import HttpProvider, without_credentials
from llmring_types.exceptions import ConfigurationError, LLMRingError

from llmring_cli._environment import admit_hosts
from llmring_cli._models import SIMULATED, is_listening, known_providers
from llmring_cli.server.access import ENVIRONMENT, KEY, find_access

PACKAGES = ("llmring", "llmring-cli", "llmring-lockfile", "llmring-providers", "llmring-types")


class LockfileState(msgspec.Struct, kw_only=True):
    """The lockfile in use.

    Attributes:
        path: the file; ``None`` where one was named and is not there.
        origin: what named it: argument, environment, working directory, project package or bundled.
        passed_over: places looked at before it.
        profile: the active profile.
        profile_origin: what chose it.
        error: why it cannot be used.
    """

    path: str | None = None
    origin: str | None = None
    passed_over: list[str] = []
    profile: str | None = None
    profile_origin: str | None = None
    error: str | None = None


class ProviderState(msgspec.Struct, kw_only=True):
    """The state of a provider.

    Attributes:
        name: the first half of references to its models.
        configured: it has a key or needs none.
        needs: the environment variables of which one has to be set.
        missing: all that has to be done before it can be used; ``None`` where it can.
        base_url: its address; for one that cannot be used, only if it is not the provider's own.
        key_from: the variable that holds its key, ``llmring keys``, or ``None`` where there is no key.
        listening: something listens at its address; ``None`` for one that is not on this machine.
        models: how many it offers, once it was asked.
        error: why it does not work.
    """

    name: str
    configured: bool
    needs: list[str]
    missing: str | None
    base_url: str | None
    key_from: str | None = None
    listening: bool | None = None
    models: int | None = None
    error: str | None = None


class RegistryState(msgspec.Struct, kw_only=True):
    """The source and the age of the facts about a provider's models."""

    provider: str
    origin: str
    version: int | None
    url: str
    age_days: float | None
    problem: str | None


class AliasState(msgspec.Struct, kw_only=True):
    """The current resolution of an alias, or the ``error`` that prevents it."""

    alias: str
    pool: list[str]
    resolves_to: str | None = None
    error: str | None = None


class UsageLogState(msgspec.Struct, kw_only=True):
    """The local log that rings of this environment write.

    Attributes:
        path: the file; ``None`` where none is named.
        calls: how many it has; ``None`` where it is not there yet, or cannot be read.
        error: why it cannot be read or written.
    """

    path: str | None = None
    calls: int | None = None
    error: str | None = None


class UsageServerState(msgspec.Struct, kw_only=True):
    """The usage server that is set up here. Its key is left out.

    Attributes:
        url: where it is; ``None`` where none is set up.
        url_from: what names it: the environment, or a file that only commands read.
        key_from: what has the key; ``None`` where there is none.
        reported_to: rings of this environment report to it.
        status: its own report, once requested.
        error: why it does not work.
    """

    url: str | None = None
    url_from: str | None = None
    key_from: str | None = None
    reported_to: bool = False
    status: str | None = None
    error: str | None = None


class Checkup(msgspec.Struct, kw_only=True):
    """Everything that is looked at. ``problems`` has one sentence for each thing that will not work."""

    versions: dict[str, str]
    lockfile: LockfileState
    providers: list[ProviderState]
    registry: list[RegistryState]
    usage_log: UsageLogState
    usage_server: UsageServerState
    aliases: list[AliasState]
    problems: list[str]


def check_up(path: Path | None, profile: str | None) -> Checkup:
    """Look at what is here. Nobody is asked over the network."""
    state, lockfile = _lockfile(path, profile)
    problems = [state.error] if state.error else []
    admit_hosts(lockfile or Lockfile())
    ring = _ring(lockfile or Lockfile(), problems)
    aliases = (
        []
        if ring is None or lockfile is None or state.origin == "bundled"
        else _aliases(ring, lockfile, profile)
    )
    problems += [f"alias {row.alias}: {row.error}" for row in aliases if row.error]
    pooled = {ref.partition(":")[0] for row in aliases for ref in row.pool}
    in_use = {row.name for row in provider_status(in_use=True)}
    providers = [_provider(ring, row) for row in provider_status() if row.name in in_use | pooled]
    problems += [row.error for row in providers if row.error]
    usage_log, usage_server = usage_log_state(), usage_server_state()
    for state_of_usage in (usage_log, usage_server):
        if state_of_usage.error and state_of_usage.error not in problems:  # the ring may have reported it
            problems.append(state_of_usage.error)
    return Checkup(
        versions={**{name: version(name) for name in PACKAGES}, "python": platform.python_version()},
        lockfile=state,
        providers=providers,
        registry=_registry(problems),
        usage_log=usage_log,
        usage_server=usage_server,
        aliases=aliases,
        problems=problems,
    )


def _lockfile(path: Path | None, profile: str | None) -> tuple[LockfileState, Lockfile | None]:
    state = LockfileState()
    try:
        found = discover(path)
        state.path, state.origin = str(found.path), found.origin
        state.passed_over = [str(place) for place in found.passed_over]
        lockfile = load(found.path)
        active = active_profile(lockfile, profile)
        state.profile, state.profile_origin = active.name, active.origin
        lockfile.profile(active.name)  # raises for one that does not exist
    except LLMRingError as error:
        state.error = str(error)
        return state, None
    return state, lockfile


def _ring(lockfile: Lockfile, problems: list[str]) -> LLMRing | None:
    try:
        return LLMRing(lockfile=lockfile)
    except LLMRingError as error:  # a setting of the environment
        problems.append(str(error))
        return None


def _provider(ring: LLMRing | None, row: ProviderStatus) -> ProviderState:
    state = ProviderState(
        name=row.name,
        configured=row.configured,
        needs=list(row.needs),
        missing=row.missing,
        base_url=row.base_url,
        key_from=row.key_from,
    )
    if ring is None or not row.configured:
        return state
    try:
        provider = ring.get_provider(row.name)
    except LLMRingError as error:  # such as an address that is not valid
        state.error = str(error)
        return state
    state.listening = is_listening(row.name)
    if isinstance(provider, HttpProvider) and row.name != SIMULATED:
        state.base_url = without_credentials(provider.base_url)
    return state


def _aliases(ring: LLMRing, lockfile: Lockfile, profile: str | None) -> list[AliasState]:
    active = active_profile(lockfile, profile).name
    states = []
    for binding in lockfile.profile(active).bindings:
        state = AliasState(alias=binding.alias, pool=[str(ref) for ref in binding.models])
        try:
            state.resolves_to = ring.resolve_alias(binding.alias, active)
        except LLMRingError as error:
            state.error = str(error)
        states.append(state)
    return states


def _registry(problems: list[str]) -> list[RegistryState]:
    try:
        registry = open_registry()
    except LLMRingError as error:
        problems.append(str(error))
        return []
    return [_source(registry, name) for name in PROVIDERS if name in known_providers()]


def _source(registry: Registry, provider: str) -> RegistryState:
    info = registry.source_info(provider)
    return RegistryState(
        provider=provider,
        origin=info.origin,
        version=info.version,
        url=info.url,
        age_days=None if info.age is None else round(info.age_days, 1),
        problem=info.problem,
    )


def usage_log_state() -> UsageLogState:
    """Look at the log. It is not made where it is not there."""
    try:
        named = usage_log_path()
    except ConfigurationError as error:
        return UsageLogState(error=str(error))
    if named is None:
        return UsageLogState()
    path = UsageLog(named).path
    state = UsageLogState(path=str(path))
    try:
        if path.exists():
            state.calls = sum(row.calls for row in stats(path))
        if not _writable(path):
            state.error = f"the usage log {path} cannot be written; make it writable, or set LLMRING_USAGE_LOG to another file"
    except (LLMRingError, OSError) as error:
        state.error = str(error)
    return state


def usage_server_state() -> UsageServerState:
    """Look at how the server is set up. It is not asked."""
    state = UsageServerState()
    try:
        access = find_access()
    except LLMRingError as error:
        state.error = str(error)
        return state
    if access.url is None:
        return state
    state.url, state.url_from = without_credentials(access.url.value), access.url.source
    state.reported_to = access.url.source == ENVIRONMENT
    state.key_from = None if access.key is None else access.key.source
    if state.reported_to and state.key_from != ENVIRONMENT:
        state.error = f"the usage server {state.url} takes no call without a key: set {KEY}"
    return state


def _writable(path: Path) -> bool:
    """Return whether a ring can write there: SQLite needs other files beside it; missing folders are made."""
    folder = next(above for above in path.absolute().parents if above.exists())
    return os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))
