"""The gateway of ``llmring serve``: in this process, or in workers, each of which runs this module."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
from llmring_lockfile import discover, load
from llmring_types.exceptions import ConfigurationError, LLMRingError

from llmring_cli._output import FAILED, INTERRUPTED, CommandError, report
from llmring_cli.page import OpenedPage, PageToken, open_page

if TYPE_CHECKING:
    from llmring import LLMRing
    from llmring.serve import Gateway, KeyStore, SessionStore

Ready: TypeAlias = Callable[[str, Path | None, str], object]
"""Gets the URL of the gateway, the lockfile, and the address of its page."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The options of ``llmring serve``, for this process and for workers.

    Attributes:
        host: to listen at.
        port: 0 picks a free one.
        host_names: names that clients use.
        direct_models: clients may name ``provider:model``.
        cache_s: seconds that whole answers are kept.
        store: the file of keys, or the address of Redis, perhaps with its password.
        lockfile: that was named; ``None`` has it found.
        profile: for requests that name none.
        token: signs in to the page; ``None`` takes that of the environment, or makes one.
    """

    host: str
    port: int
    host_names: Sequence[str] = ()
    direct_models: bool = False
    cache_s: int | None = None
    store: str
    lockfile: str | None = None
    profile: str | None = None
    token: PageToken | None = None

    def __repr__(self) -> str:
        return f"Options({self.host}:{self.port})"


class _Opened(NamedTuple):
    """A gateway and what it is made of."""

    gateway: "Gateway"
    ring: "LLMRing"
    keys: "KeyStore"
    page: OpenedPage

    async def close(self) -> None:
        """Let go of files and connections."""
        await self.ring.close()
        await self.keys.aclose()


def serve_alone(options: Options, on_ready: Ready) -> None:
    """Serve in this process.

    Raises:
        LLMRingError: the gateway cannot start.
        OSError: the address is taken.
    """
    from llmring.serve import run  # noqa: PLC0415 - see serve_by_workers

    opened = _open(options)
    _report_problems(opened.keys)
    run(
        opened.gateway,
        host=options.host,
        port=options.port,
        on_ready=lambda url: on_ready(url, opened.ring.lockfile_path, opened.page.url(url)),
        at_end=opened.close,
    )


def serve_by_workers(options: Options, workers: int, on_ready: Ready) -> None:
    """Serve by several processes. This one loads no ring, so that they can start at once.

    What a lockfile warns of is reported here, once; what a worker cannot start with, by :func:`run_workers`.

    Raises:
        LLMRingError: the gateway cannot start.
        OSError: the address is taken.
    """
    from llmring.serve import KeyStore, run_workers  # noqa: PLC0415 - help does without

    lockfile = load(discover(options.lockfile).path).path
    token = options.token or PageToken.choose()
    with KeyStore(options.store, lazy=True) as keys:
        _report_problems(keys)
    # No module is looked for in the working directory (-P): it may be a stranger's.
    isolated = ["-I"] if sys.flags.isolated else ["-P"]
    run_workers(
        [sys.executable, *isolated, "-m", "llmring_cli._gateway"],
        workers,
        setup=msgspec.json.encode(msgspec.structs.replace(options, token=token)),
        host=options.host,
        port=options.port,
        on_ready=lambda url: on_ready(url, lockfile, token.url(url)),
    )


def _report_problems(keys: "KeyStore") -> None:
    """Warn of settings by which the store may lose keys and budgets.

    Raises:
        LLMRingError: it cannot be used.
    """
    for problem in keys.problems():
        report(f"warning: {problem}")


def _open(options: Options, sessions: "SessionStore | None" = None) -> _Opened:
    """Make a gateway.

    Raises:
        LLMRingError: the lockfile, the store of keys or a setting is wrong.
    """
    from llmring import CachePolicy, LLMRing, usage_log_path  # noqa: PLC0415 - see serve_by_workers
    from llmring.serve import KeyStore, app  # noqa: PLC0415 - as above

    keys = KeyStore(options.store, lazy=True)
    # The store is asked in any case: it takes note of keys, and asks for them even if Redis loses them later.
    if not keys.in_use and options.host not in {"127.0.0.1", "::1", "localhost"}:
        raise CommandError(
            f"without keys, only this machine is served: make one before listening on {options.host}: "
            "llmring serve key create"
        )
    ring = LLMRing(origin="llmring-serve", lockfile_path=options.lockfile)
    page = open_page(
        log=usage_log_path(),
        lockfile=lambda: ring.lockfile,
        lockfile_problem=lambda: gateway.lockfile_problem,
        profile=options.profile,
        keys=keys,
        serves=True,
        token=options.token,
        sessions=sessions,
    )
    gateway = app(
        ring,
        cache=None if options.cache_s is None else CachePolicy(ttl_s=options.cache_s),
        keys=keys,
        page=page.page,
        profile=options.profile,
        direct_models=options.direct_models,
        host_names=options.host_names,
    )
    return _Opened(gateway, ring, keys, page)


def work(arguments: Sequence[str]) -> int:
    """Be a worker, and return the exit code.

    Args:
        arguments: the numbers of two sockets, as :class:`llmring.serve.Worker` takes them.
    """
    import warnings  # noqa: PLC0415 - for this alone
    from contextlib import suppress  # noqa: PLC0415 - as above

    from llmring.hosts import register_user_hosts  # noqa: PLC0415 - as above
    from llmring.serve import Worker, run_worker  # noqa: PLC0415 - as above

    link, arrivals = map(int, arguments)
    try:
        worker = Worker(link, arrivals)
    except EOFError:
        return FAILED
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the supervisor has shown them
        with suppress(ConfigurationError):
            register_user_hosts()
        try:
            options = msgspec.json.decode(worker.setup, type=Options)
            opened = _open(options, worker)
        except (LLMRingError, OSError) as error:
            worker.fail(str(error))
            return FAILED
        try:
            run_worker(opened.gateway, worker, at_end=opened.close)
        except KeyboardInterrupt:
            return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(work(sys.argv[1:]))
