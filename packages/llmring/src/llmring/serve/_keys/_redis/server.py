"""A server of Redis or Valkey: scripts run there over one connection of an event loop, or while a thread waits."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from llmring_types.exceptions import ConfigurationError, MissingSDKError

from llmring.serve._keys._key import KeyStoreUnavailableError

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

_ANSWER_S = 1.0
"""Seconds for the answers to a batch, connecting included."""

Script: TypeAlias = tuple[str, Sequence[str], Sequence[str | int]]
"""The text, the names of the keys that it uses, and its arguments."""


class Step(msgspec.Struct, eq=False):
    """A script to run.

    Attributes:
        script: makes it; gets whether it may have been run already. ``None`` only waits for the steps before it.
        future: of the task that waits for its answer.
        lasting: keep it for the next time where it cannot be run.
        then: is called once it was run, or could not be.
        tried: it was sent.
    """

    script: Callable[[bool], Script] | None
    future: "asyncio.Future[Any] | None" = None
    lasting: bool = False
    then: Callable[[], None] | None = None
    tried: bool = False


class Server:
    """Runs scripts.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.

    Attributes:
        address: host and port, or the socket: no password.
        direct: the client of threads that wait.
        errors: raised by both clients.

    Raises:
        ConfigurationError: the URL is none of Redis.
        MissingSDKError: the client of Redis is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis  # noqa: PLC0415 - an extra
            from redis import asyncio as redis_asyncio  # noqa: PLC0415 - an extra
            from redis.backoff import NoBackoff  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise MissingSDKError(
                "a key store in Redis needs its client: pip install 'llmring[redis]'", original=error
            ) from error
        self.errors = (redis.RedisError, OSError, TimeoutError)
        self._refused, self._unknown = redis.ResponseError, redis.exceptions.NoScriptError
        options: dict[str, Any] = {"protocol": 2, "socket_connect_timeout": _ANSWER_S}
        try:
            self.address = _address(url)
            retry = redis.retry.Retry(NoBackoff(), 0)
            self.direct: Any = redis.Redis.from_url(url, socket_timeout=_ANSWER_S, retry=retry, **options)
            no_retry = redis_asyncio.retry.Retry(NoBackoff(), 0)
            self._pool: Any = redis_asyncio.ConnectionPool.from_url(url, retry=no_retry, **options)
        except ValueError:  # its text may have parts of the password
            raise ConfigurationError(
                "the address of the key store is none of Redis: write redis://:PASSWORD@HOST:6379/0"
            ) from None
        self._connection: AbstractConnection | None = None

    def ask(self, question: Callable[[], Any]) -> Any:
        """Return what the client of threads is asked for.

        Raises:
            KeyStoreUnavailableError: the server does not answer, or refuses.
        """
        try:
            return question()
        except self.errors as error:
            raise self.unavailable(error) from error

    def run(self, script: Script) -> Any:
        """Return the answer of a script, while the thread waits.

        Raises:
            KeyStoreUnavailableError: there is none.
        """
        text, keys, values = script
        return self.ask(lambda: self.direct.eval(text, len(keys), *keys, *values))

    def unavailable(self, error: BaseException) -> KeyStoreUnavailableError:
        """Return an error of the clients as one of the store."""
        return KeyStoreUnavailableError(
            f"the key store at {self.address} does not answer as it should ({type(error).__name__}: {error}); "
            "check the server and its address"
        )

    async def answers(self, steps: Sequence[Step]) -> list[Any]:
        """Return the answer or the error of each script. A connection that has gone stale is replaced once.

        Raises:
            BaseException: one of ``errors`` where there are none.
        """
        is_new = self._connection is None or not self._connection.is_connected
        try:
            return await self._exchange(steps)
        except TimeoutError:
            raise
        except self.errors:
            if is_new:
                raise
            return await self._exchange(steps)

    @property
    def is_connected(self) -> bool:
        """True while an event loop has a connection."""
        return self._connection is not None

    def forget(self) -> None:
        """Let go of a connection whose event loop has ended."""
        self._connection = None

    async def disconnect(self) -> None:
        """Close the connection of the event loop."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect()

    async def _exchange(self, steps: Sequence[Step]) -> list[Any]:
        scripts = [step.script(step.tried) for step in steps if step.script is not None]
        for step in steps:
            step.tried = True
        connection = self._connection
        if connection is None:
            connection = self._connection = self._pool.make_connection()
        try:
            async with asyncio.timeout(_ANSWER_S):
                if not connection.is_connected:
                    await connection.connect()
                return await self._run(connection, scripts)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    async def _run(self, connection: "AbstractConnection", scripts: list[Script]) -> list[Any]:
        """Run scripts by their hashes; those that the server does not have, or no longer, are loaded."""
        answers = await self._talk(connection, [_command(script) for script in scripts])
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, self._unknown)]
        if missing:
            texts = {scripts[place][0] for place in missing}
            await self._talk(connection, [("SCRIPT", "LOAD", text) for text in texts])
            found = await self._talk(connection, [_command(scripts[place]) for place in missing])
            for place, answer in zip(missing, found, strict=True):
                answers[place] = answer
        return answers

    async def _talk(self, connection: "AbstractConnection", commands: list[tuple[Any, ...]]) -> list[Any]:
        await connection.send_packed_command(connection.pack_commands(commands))
        return [await self._answer(connection) for _ in commands]

    async def _answer(self, connection: "AbstractConnection") -> Any:
        try:
            return await connection.read_response()
        except self._refused as error:
            return error


@lru_cache(16)
def _hash(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _command(script: Script) -> tuple[Any, ...]:
    text, keys, values = script
    return ("EVALSHA", _hash(text), len(keys), *keys, *values)


def _address(url: str) -> str:
    """Return the part of an address that is no secret.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"
