"""From a call of an SDK to a record at the usage server."""

import inspect
import logging
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec
from llmring_providers.transport import AutoTransport
from llmring_types import LLMRequest, LLMResponse, Message, ModelRef, Role
from llmring_types.exceptions import ConfigurationError, LLMRingError

from llmring._money.accounting import Accounting
from llmring._money.estimates import completed_usage
from llmring._records import CallRecord, Ending
from llmring._settings import Settings, open_registry
from llmring.server import ServerClient, ServerLog, as_text

_logger = logging.getLogger("llmring.logging")
_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
}
_QUESTIONS = ("messages", "contents", "input", "prompt")
"""Names of arguments that hold the messages, as the SDKs have them."""
UNREADABLE = (LLMRingError, msgspec.MsgspecError, TypeError, ValueError)
"""Errors of reading an object that is not an SDK's."""
_logs: dict[tuple[str, str, bool], ServerLog] = {}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The destination of reports on a function, and what is known of its calls beforehand."""

    log: ServerLog | None
    provider: str
    model: str | None
    alias: str | None
    origin: str


class SdkCall:
    """One call of a decorated function.

    Args:
        target: where it is reported to.
        function: the decorated one.
        args: its arguments.
        kwargs: its arguments by name.
    """

    def __init__(
        self,
        target: Target,
        function: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._target = target
        self._function = function
        self._started_at = time.time()
        self._started = time.monotonic()
        self._first_chunk_s: float | None = None
        self._request = LLMRequest(messages=_messages(_arguments(function, args, kwargs)))

    def first_chunk(self) -> None:
        """Note the time of a stream's first chunk."""
        self._first_chunk_s = self._first_chunk_s or time.monotonic() - self._started

    def ended(self, ending: Ending, response: LLMResponse, *, streamed: bool = False) -> None:
        """Report the call."""
        target = self._target
        if target.log is None:
            return
        ref = ModelRef.parse(response.model)
        usage, estimated = completed_usage(self._request, response, whole=ending == "answered")
        _accounting().price_estimate(usage, ref, response.provider_model)
        target.log(
            CallRecord(
                id=os.urandom(16).hex(),
                origin=target.origin,
                started_at=self._started_at,
                seconds=time.monotonic() - self._started,
                first_chunk_s=self._first_chunk_s,
                streamed=streamed,
                request=self._request,
                alias=target.alias,
                model=ref,
                ending=ending,
                response=response,
                usage=usage,
                estimated=estimated,
            )
        )

    def unreadable(self, error: Exception) -> None:
        """Warn that nothing is reported, since the result is of an unknown kind."""
        _logger.warning(
            "usage of %s is not reported: its result is not from a known SDK: %s",
            self._function.__qualname__,
            error,
        )


def target_of(
    server_url: str | None,
    api_key: str | None,
    *,
    provider: str,
    model: str | None,
    alias: str | None,
    log_metadata: bool,
    log_conversations: bool,
    origin: str,
) -> Target:
    """Return where to report to. Functions with the same server share its connections.

    Raises:
        ConfigurationError: there is no server, or its URL is not valid.
    """
    settings = Settings.from_environment()
    url, key = server_url or settings.server.url, settings.server.api_key if api_key is None else api_key
    if not url:
        raise ConfigurationError("no usage server: pass server_url= or set LLMRING_SERVER_URL")
    log = None
    if log_metadata or log_conversations:
        log = _logs.get((url, key, log_conversations))
        if log is None:
            client = ServerClient(url, key, transport=AutoTransport(trust_env=settings.proxies))
            log = _logs[url, key, log_conversations] = ServerLog(client, conversations=log_conversations)
    return Target(log=log, provider=provider, model=model, alias=alias, origin=origin)


async def flush() -> None:
    """Deliver what decorated functions have to report, within five seconds for each server. For the end of scripts."""
    for log in list(_logs.values()):
        await log.aclose()


@cache
def _accounting() -> Accounting:
    return Accounting(open_registry(), strict=False)


def _arguments(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments by name, those without a parameter of their own included."""
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:  # the call itself raises for them
        return dict(kwargs)
    return {**given, **kwargs}


def _messages(given: Mapping[str, Any]) -> list[Message]:
    """Find the messages among the arguments, as far as they can be recognised."""
    asked = next((given[name] for name in _QUESTIONS if name in given), None)
    if isinstance(asked, str):
        return [Message(role="user", content=asked)]
    messages = []
    for message in asked if isinstance(asked, (list, tuple)) else ():
        if isinstance(message, Message):
            messages.append(message)
        elif isinstance(message, Mapping):
            role = _ROLES.get(str(message.get("role")), "user")
            messages.append(Message(role=role, content=as_text(message.get("content")) or ""))
        elif isinstance(message, str):
            messages.append(Message(role="user", content=message))
    return messages
