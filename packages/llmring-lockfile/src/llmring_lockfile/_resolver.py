"""Resolution for programs that ask often: cached, and aware of files that change."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from llmring_types.exceptions import LockfileError

from llmring_lockfile._files import (
    PROFILE_VARIABLE,
    Signature,
    active_profile,
    environment,
    read_lockfile,
    signature,
)
from llmring_lockfile._model import Lockfile
from llmring_lockfile._names import KNOWN_PROVIDERS
from llmring_lockfile._project import find_package_lockfile
from llmring_lockfile._resolution import Explanation, Resolution
from llmring_lockfile._resolve import explain, resolve

_Key = tuple[str, str | None]

_NEVER: Signature = (-1, -1, -1)
"""The signature of no file, so that the next look reads the file anew."""


class Resolver:
    """Resolves names against one lockfile and remembers the answers. Threads may share it.

    An answer is kept for ``ttl`` seconds, and no longer than until the file changes on disk, another set of
    providers is given, or :meth:`invalidate` is called. Whether a file changed is looked up when a name is
    resolved, at most once in ``check_every`` seconds and with one ``stat`` for each file, so an edit by
    another process counts after that time at the latest. A file that turned unreadable raises until it is
    mended: answers from a state that is gone would hide the mistake. A server that must continue calls
    :meth:`keep_last_good`.

    Args:
        source: a lockfile's path, which is watched; or a :class:`Lockfile`, which is taken as it is.
        providers: names that make a direct reference.
        size: most answers kept; the least recently used goes first. 0 keeps none.
        ttl: seconds that an answer is kept.
        check_every: seconds between looks at the files.
        clock: returns seconds that never go backwards.
        environ: the environment, for ``LLMRING_PROFILE``; ``None`` is the process's, read at each resolution.
        find_package: gives the path of the lockfile that a package ships.

    Raises:
        LockfileNotFoundError: there is no such file.
        LockfileParseError: it is not a lockfile.
    """

    def __init__(
        self,
        source: Lockfile | Path | str,
        *,
        providers: Iterable[str] = KNOWN_PROVIDERS,
        size: int = 100,
        ttl: float = 3600.0,
        check_every: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        environ: Mapping[str, str] | None = None,
        find_package: Callable[[str], Path | None] = find_package_lockfile,
    ) -> None:
        self._providers = frozenset(name.lower() for name in providers)
        self._size = size
        self._ttl = ttl
        self._check_every = check_every
        self._clock = clock
        self._environ = environment(environ)
        self._find_package = find_package
        self._mutex = threading.RLock()
        self._answers: OrderedDict[_Key, tuple[float, Resolution]] = OrderedDict()
        self._packages: dict[str, Lockfile | None] = {}
        self._watched: dict[Path, Signature | None] = {}
        self._next_check = clock() + check_every
        self._report: Callable[[LockfileError | None], object] | None = None
        self._problem: LockfileError | None = None
        self._path = None if isinstance(source, Lockfile) else Path(source)
        self._lockfile = source if isinstance(source, Lockfile) else self._read(Path(source))

    @property
    def lockfile(self) -> Lockfile:
        """The lockfile as it is on disk now, give or take ``check_every`` seconds."""
        with self._mutex:
            self._look(self._clock())
            return self._lockfile

    @property
    def providers(self) -> frozenset[str]:
        return self._providers

    @providers.setter
    def providers(self, names: Iterable[str]) -> None:
        with self._mutex:
            self._providers = frozenset(name.lower() for name in names)
            self._answers.clear()

    @property
    def problem(self) -> LockfileError | None:
        """The reason why answers come from the last good files, if they do; see :meth:`keep_last_good`."""
        with self._mutex:
            self._look(self._clock())
            return self._problem

    def keep_last_good(self, report: Callable[[LockfileError | None], object]) -> None:
        """Answer from the last files that could be read while one that is watched cannot, instead of raising.

        Args:
            report: called with the reason when a file breaks, or breaks in another way, and with ``None`` when
                all can be read again; in the thread that looked.
        """
        self._report = report

    def resolve(self, name: str, profile: str | None = None) -> Resolution:
        """Find the pool of a name: :func:`resolve` with the active profile and the installed packages.

        Raises:
            AliasNotFoundError: not bound (also a ``ValueError``).
            ProfileNotFoundError: there is no such profile (also a ``ValueError``).
            ModelReferenceError: a known provider without a model (also a ``ValueError``).
            LockfileError: a file changed and cannot be read any more.
        """
        key = (name, profile or self._environ.get(PROFILE_VARIABLE))
        now = self._clock()
        with self._mutex:
            if now >= self._next_check:
                self._look(now)
            kept = self._answers.get(key)
            if kept is not None and now < kept[0]:
                self._answers.move_to_end(key)
                return kept[1]
            answer = resolve(
                self._lockfile,
                name,
                active_profile(self._lockfile, profile, environ=self._environ),
                providers=self._providers,
                packages=self._package,
            )
            self._keep(key, now + self._ttl, answer)
            return answer

    def explain(self, name: str, profile: str | None = None) -> Explanation:
        """Every step of :meth:`resolve`, from the files as they are now."""
        with self._mutex:
            self._look(self._clock())
            return explain(
                self._lockfile,
                name,
                active_profile(self._lockfile, profile, environ=self._environ),
                providers=self._providers,
                packages=self._package,
            )

    def invalidate(self) -> None:
        """Forget every answer and look at the files anew; call it after an edit in this process."""
        with self._mutex:
            self._answers.clear()
            self._watched = dict.fromkeys(self._watched, _NEVER)
            self._next_check = self._clock()

    def _keep(self, key: _Key, until: float, answer: Resolution) -> None:
        if self._size <= 0:
            return
        self._answers[key] = (until, answer)
        self._answers.move_to_end(key)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)

    def _look(self, now: float) -> None:
        if any(signature(path) != seen for path, seen in self._watched.items()):
            if self._report is None:
                self._read_anew()
            else:
                self._try_anew(self._report)
        self._next_check = now + self._check_every

    def _read_anew(self) -> None:
        """Read the lockfile, and those of packages when they are next asked for."""
        self._answers.clear()
        self._packages.clear()
        if self._path is not None:
            lockfile = self._read(self._path)
            self._watched = {self._path: self._watched[self._path]}
            self._lockfile = lockfile
        else:
            self._watched.clear()

    def _try_anew(self, report: Callable[[LockfileError | None], object]) -> None:
        """Read every file that answers come from, and change to the new state if all can be read."""
        before = self._watched, self._packages
        self._watched, self._packages = {}, {}
        try:
            lockfile = self._lockfile if self._path is None else self._read(self._path)
            for name in before[1]:
                self._package(name)
        except LockfileError as error:
            self._watched, self._packages = before
            if self._problem is None or str(self._problem) != str(error):
                self._problem = error
                report(error)
            return
        self._lockfile = lockfile
        self._answers.clear()
        if self._problem is not None:
            self._problem = None
            report(None)

    def _read(self, path: Path) -> Lockfile:
        seen = signature(path)  # before reading: a write in between is then noticed, not missed
        lockfile = read_lockfile(path)
        self._watched[path] = seen
        return lockfile

    def _package(self, name: str) -> Lockfile | None:
        if name not in self._packages:
            path = self._find_package(name)
            self._packages[name] = None if path is None else self._read(path)
        return self._packages[name]
