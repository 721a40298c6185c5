"""The class that Ray Data makes actors of: one ring each, which asks all rows of a block at once."""

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar, NamedTuple, Self
from uuid import uuid4

import llmring_lockfile as lockfiles
import msgspec
from llmring_lockfile import Lockfile
from llmring_types import LLMRequest
from llmring_types.exceptions import ConfigurationError, LLMRingError, ValidationError

from llmring._maps import CONCURRENCY, check_options
from llmring._policy import Pace, Policy, check_policy
from llmring._ring import LLMRing
from llmring._sync import SyncLLMRing
from llmring.bulk import Outcome, RequestTemplate, Row
from llmring.ray._batches import joined, rows_of
from llmring.ray._columns import Columns, response_format_of

_WAIT_S = 0.1
"""Seconds between two tries to open a journal that another actor uses."""
_LONGEST_WAIT_S = 3600.0
"""Seconds after which a block whose journal is still in use fails: its other writer hangs, or is on another machine."""
_MOST_RINGS = 8
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class Settings(NamedTuple):
    """Everything that travels to the actors; no key does.

    Attributes:
        job: names the job, whose blocks share a ring in each process.
        template: ``prompt`` and ``system``.
        fields: of every request.
        profile: the lockfile's.
        concurrency: calls at once.
        journals: their folder.
        make_ring: called in the actor.
    """

    job: str
    template: Mapping[str, str | None]
    fields: Mapping[str, Any]
    profile: str | None
    concurrency: int
    journals: Path | None
    make_ring: Callable[[], SyncLLMRing]


class BlockChat:
    """Answers blocks of rows; :func:`Chat` makes a subclass for each job, for Ray Data to make actors of.

    An instance takes a block as Ray Data and Dask hand it over (a dict of numpy arrays, an Arrow table or a data frame
    of pandas) and returns it with further columns; a dict of arrays that Arrow has types for comes back as a table.
    Any thread may call it. It travels to other processes by pickle, and makes one ring in each, for the first block
    there.
    """

    _settings: ClassVar[Settings]

    def __init__(self) -> None:
        self._template = RequestTemplate(**self._settings.template, **self._settings.fields)
        self._columns = Columns(self._settings.fields.get("response_format"))

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def __call__(self, batch: Any) -> Any:
        """Return the block with a column for each part of the outcomes. One without rows sends nothing.

        Raises:
            ConfigurationError: the journal cannot be used, or the function given as ``ring`` makes none.
        """
        requests = [self._request(values) for values in rows_of(batch)]
        outcomes = sorted(self._outcomes(requests), key=lambda outcome: outcome.index) if requests else []
        return joined(batch, self._columns.of(outcomes))

    def _request(self, values: Mapping[str, Any]) -> LLMRequest | LLMRingError:
        try:
            return self._template.request(values)
        except ValidationError as error:
            return error

    def _outcomes(self, requests: Sequence[LLMRequest | LLMRingError]) -> Sequence[Outcome]:
        settings = self._settings
        ask = partial(_RINGS.of(settings).map, profile=settings.profile, concurrency=settings.concurrency)
        if settings.journals is None:
            return list(ask(_rows(requests)))
        settings.journals.mkdir(mode=0o700, parents=True, exist_ok=True)
        journal = settings.journals / f"{_digest(requests)}.db"
        give_up = time.monotonic() + _LONGEST_WAIT_S
        while True:
            try:
                return list(ask(_rows(requests), journal=journal))
            except ConfigurationError as error:
                if not _is_in_use(error) or time.monotonic() >= give_up:
                    raise
                time.sleep(
                    _WAIT_S
                )  # an equal block, or the same on a worker that Ray gave up: then all is read


class _Rings:
    """The rings of this process, one for each job; those of the latest jobs are kept.

    Ray and Dask take an instance apart and put it together as they like, some for every block.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._rings: OrderedDict[str, SyncLLMRing] = OrderedDict()

    def of(self, settings: Settings) -> SyncLLMRing:
        """Return the ring of a job.

        Raises:
            ConfigurationError: the function given as ``ring`` returns something else.
        """
        with self._lock:
            if settings.job not in self._rings:
                made: object = settings.make_ring()
                if not isinstance(made, SyncLLMRing):
                    raise ConfigurationError(
                        f"ring must be a function that returns LLMRing.sync(…); got {type(made).__name__}"
                    )
                self._rings[settings.job] = made
            self._rings.move_to_end(settings.job)
            while len(self._rings) > _MOST_RINGS:
                self._rings.popitem(last=False)  # it closes itself once no block uses it
            return self._rings[settings.job]


_RINGS = _Rings()


def _rows(requests: Sequence[LLMRequest | LLMRingError]) -> Iterator[Row]:
    return (Row(request=request) for request in requests)


def _digest(requests: Sequence[LLMRequest | LLMRingError]) -> str:
    """Return a name for the journal of a block, which itself compares what goes on the wire."""
    digest = sha256()
    for request in requests:
        if isinstance(request, LLMRingError):
            digest.update(b"\0")
        else:
            digest.update(_encode([request.model, request.messages]))
    return digest.hexdigest()[:32]


def _is_in_use(error: ConfigurationError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY


def Chat(  # noqa: N802 - Ray takes classes, and this makes one
    model: str,
    *,
    prompt: str | None = None,
    system: str | None = None,
    schema: Any = None,
    profile: str | None = None,
    concurrency: int = CONCURRENCY,
    lockfile: Lockfile | str | Path | None = None,
    policy: Policy | None = None,
    ring: Callable[[], SyncLLMRing] | None = None,
    journals: str | Path | None = None,
    **fields: Any,
) -> type[BlockChat]:
    """Make the class that ``Dataset.map_batches`` takes: each of its actors has one ring.

    Blocks keep their columns and get these: ``answer`` (the text), the fields of ``schema`` by their own names
    (``parsed`` where it is no object; JSON where Arrow has no type for it), ``error`` and ``error_type`` (message and
    class, null for an answer), ``model``, ``cost`` (US dollars, null where it is not known), ``input_tokens``,
    ``output_tokens`` and ``attempts`` (pool members tried or skipped; 0 for what a journal had). A name that the block
    has already gets ``llmring_`` before it. What numpy and pandas have as NaN is missing: empty in the prompt.

    The lockfile and the profile are read here, and travel with the class. Keys do not: every actor finds them as any
    ring does, in the environment of its own process.

    Args:
        model: an alias or ``provider:model``.
        prompt: the message, with columns in braces, ``{text}``; with ``{{ }}`` or ``{% %}`` a template of Jinja.
            Without it, rows have a column ``messages``.
        system: the instructions, a template as well.
        schema: the form of the answers: a JSON schema, or a type, which becomes one: validators written in code do not
            run.
        profile: the lockfile's profile; ``LLMRING_PROFILE``, then the lockfile's own default.
        concurrency: calls of one block at once (64).
        lockfile: a lockfile, or the path of one on this machine; without it the one that a ring here would take.
        policy: of every ring. Pace, budget and places are those of one actor, unless the pace is ``shared``:
            ``Pace(shared="redis://…")``, or ``Pace(shared="ray:NAME")`` for an actor of Ray that keeps it.
        ring: a function that makes the ring (``LLMRing.sync(…)``) in the actor, instead of ``lockfile`` and ``policy``:
            for hosts of your own, and where something is secret. Let it read secrets there, not carry them.
        journals: a folder, on the machine of each actor, with a journal for each block: a block that is run again sends
            nothing twice that was answered there.
        fields: of every request, such as ``max_tokens``.

    Raises:
        ValidationError: a field, the prompt or the schema is malformed, or the policy holds a password (also a
            ``ValueError``).
        AliasNotFoundError: the alias is not bound (also a ``ValueError``); with ``ring`` an error of each row instead.
        ProfileNotFoundError: there is no such profile (also a ``ValueError``).
        LockfileNotFoundError: the lockfile named does not exist (also a ``FileNotFoundError``).
        LockfileParseError: it cannot be read (also a ``ValueError``).
        MissingSDKError: pyarrow is not installed, or Jinja, which the prompt needs.
    """
    if not isinstance(model, str):
        raise ValidationError(
            "model must be an alias or provider:model; give map_batches what Chat returns: "
            'ds.map_batches(Chat("summarizer", prompt="…{text}…"))',
            field="model",
        )
    if ring is not None and (lockfile is not None or policy is not None):
        raise ValidationError("give either ring, or lockfile and policy", field="ring")
    check_options({"concurrency": concurrency})
    check_policy(policy)
    _refuse_passwords(policy)
    wanted = fields.get("response_format") if schema is None else schema
    if schema is not None or not isinstance(wanted, dict | None):
        fields["response_format"] = response_format_of(wanted)
    fields["model"] = model
    try:
        LLMRequest([], **fields)
    except TypeError as error:
        raise ValidationError(f"no such field of a request: {error}") from error
    if ring is None:
        content = lockfile if isinstance(lockfile, Lockfile) else lockfiles.load(lockfile)
        active = lockfiles.active_profile(content, profile)
        if ":" not in model:  # a host may be one that only the workers know
            lockfiles.resolve(content, model, active, packages=lockfiles.installed_lockfile)
        profile = active.name
        ring = partial(_make_ring, content, policy)
    settings = Settings(
        job=uuid4().hex,
        template={"prompt": prompt, "system": system},
        fields=fields,
        profile=profile,
        concurrency=concurrency,
        journals=None if journals is None else Path(journals),
        make_ring=ring,
    )
    # This module has another object of the name, so that pickles hold the class itself, with its settings.
    made = type("Chat", (BlockChat,), {"_settings": settings, "__module__": __name__})
    made()  # mistakes of templates come up here, before the job
    return made


def _make_ring(lockfile: Lockfile, policy: Policy | None) -> SyncLLMRing:
    return LLMRing.sync(lockfile=lockfile, policy=policy)


def _refuse_passwords(policy: Policy | None) -> None:
    if policy is None or policy.pace is None:
        return
    for pace in [policy.pace] if isinstance(policy.pace, Pace) else policy.pace.values():
        if isinstance(pace.shared, str) and "@" in pace.shared.partition("://")[2]:
            raise ValidationError(
                "the address of the shared pace holds a password, which would travel with the class: give a function as "
                "ring, which reads it in the actor",
                field="policy",
            )
