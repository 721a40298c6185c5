"""The cassette of a test."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from llmring import provider_access
from llmring.exceptions import CassetteError, CassetteMismatchError
from llmring.testing import Recording, Replay
from llmring_providers.transport import divert

from llmring_pytest import BROKEN_OFF

_LONGEST_NAME = 150
_STAND_IN = "replayed-without-a-key"


def is_recorded(item: pytest.Item) -> bool:
    """Return whether the test's cassette is to be recorded in this run."""
    mode = item.config.getoption("llmring_record")
    return mode == "all" or (mode == "once" and not path_of(item).exists())


def path_of(item: pytest.Item) -> Path:
    """Return the file that the marker names, or one of the test's own."""
    marker = item.get_closest_marker("llmring_cassette")
    named: str | None = None
    if marker is not None:
        named = marker.args[0] if marker.args else marker.kwargs.get("path")
    if named is not None:
        return item.path.parent / named
    name = quote(item.nodeid.partition("::")[2].replace("::", "."), safe="[] ,()+=@")
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return item.path.parent / "cassettes" / item.path.stem / f"{name}.json"


@contextmanager
def recorded(item: pytest.Item, secrets: Iterable[str]) -> Iterator[Recording]:
    """Record the test. One that breaks off before it has asked anything leaves its cassette as it was."""
    item.stash[BROKEN_OFF] = None
    recording = Recording(secrets)
    with divert(recording):
        yield recording
    if len(recording) or item.stash[BROKEN_OFF] is None:
        recording.save(path_of(item))


@contextmanager
def replayed(item: pytest.Item, secrets: Iterable[str]) -> Iterator[Replay]:
    """Replay the test, and fail it in the end if it did not agree with its cassette."""
    item.stash[BROKEN_OFF] = None
    try:
        replay = Replay(path_of(item), secrets)
    except CassetteError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    with divert(replay), _keys_for(replay.providers):
        yield replay
    problem, broken_off = replay.problem(), item.stash[BROKEN_OFF]
    if problem is not None and broken_off is None:
        pytest.fail(problem.message, pytrace=False)
    elif problem is not None and broken_off != CassetteMismatchError.__name__:
        item.add_report_section("teardown", "llmring", problem.message)


@contextmanager
def _keys_for(providers: Iterable[str]) -> Iterator[None]:
    """Let the providers that answer look configured, as they were when they were recorded."""
    with pytest.MonkeyPatch.context() as patch:
        for provider in providers:
            access = provider_access(provider)
            for missing in access.key_in[:1] + access.address_in:
                patch.setenv(missing, _STAND_IN)
        yield
