"""Refusals and failures, as clients get them: in their protocol, and about the gateway where it is at fault."""

import logging
import math
import secrets
from collections.abc import Mapping

from llmring_providers.hosting import CODECS, ProtocolName, Route
from llmring_types.exceptions import (
    AliasNotFoundError,
    ConfigurationError,
    LLMRingError,
    LockfileError,
    ModelNotFoundError,
    ProfileNotFoundError,
    ProviderAuthenticationError,
    ProviderBadRequestError,
    ProviderNotFoundError,
    ProviderOverloadedError,
    ProviderPermissionError,
    ProviderResponseError,
    ProviderServerError,
)

from llmring.serve._exchange import Exchange
from llmring.serve._keys import KeyStoreUnavailableError
from llmring.serve._notes import notes

_LOCKFILE_S = 5
_KEYS_S = 2
_LONGEST_PATH = 200
_logger = logging.getLogger("llmring.serve")
TEXT = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}
_NO_HEADERS: Mapping[str, str] = {}


async def refuse(
    exchange: Exchange, route: Route, error: LLMRingError, identity: Mapping[str, str] = _NO_HEADERS
) -> None:
    """Answer with an error, in the form of the endpoint's protocol."""
    answer = CODECS[route.protocol].error(error)
    wait = getattr(error, "retry_after", None)
    later = {} if wait is None else {"retry-after": f"{math.ceil(wait)}"}
    named = identity or {CODECS[route.protocol].request_id_header: f"req_{secrets.token_hex(16)}"}
    headers = {**answer.headers, **later, **named, **notes(attempts=error.attempts)}
    await exchange.answer(answer.status, headers, answer.body)


async def refuse_place(exchange: Exchange) -> None:
    """Answer that nothing is served at the path, in the form of the protocol that the request looks like."""
    text = f"{exchange.method} {exchange.path[:_LONGEST_PATH]} is not served by this gateway"
    headers, parts = exchange.headers, exchange.path.split("/")
    protocol: ProtocolName = "openai_chat"
    if "anthropic-version" in headers or "messages" in parts:
        protocol = "anthropic"
    elif "x-goog-api-key" in headers or "v1beta" in parts:
        protocol = "gemini"
    elif "api" in parts:
        protocol = "ollama"
    # OpenAI's code for what is not found is about models alone.
    kind = ProviderBadRequestError if protocol == "openai_chat" else ModelNotFoundError
    answer = CODECS[protocol].error(kind(text))
    await exchange.answer(404, answer.headers, answer.body)


async def refuse_person(exchange: Exchange, error: LLMRingError) -> None:
    """Answer with an error in plain text, at a path that is of no protocol."""
    shown = as_gateway(error)
    status = getattr(shown, "status_code", None) or 500
    if isinstance(shown, ProviderAuthenticationError):
        status = 403 if isinstance(shown, ProviderPermissionError) else 401
    await exchange.answer(status, TEXT, f"{shown.message}\n".encode())


def as_gateway(error: LLMRingError) -> LLMRingError:
    """Return an error of the gateway's own settings as one of the gateway: the client has made no mistake."""
    if isinstance(error, LockfileError) and not isinstance(error, AliasNotFoundError | ProfileNotFoundError):
        _logger.error("%s", error)
        return ProviderOverloadedError(
            "the lockfile of this gateway cannot be read at the moment",
            retry_after=_LOCKFILE_S,
            status_code=503,
        )
    if isinstance(error, KeyStoreUnavailableError):  # which is logged when it begins, not for each request
        return ProviderOverloadedError(
            "the keys of this gateway cannot be checked at the moment",
            retry_after=_KEYS_S,
            status_code=503,
        )
    if isinstance(error, ConfigurationError):  # its text names files and variables of the gateway
        _logger.error("%s", error)
        return ProviderServerError("this gateway is not set up rightly; its log says what is wrong")
    if isinstance(error, ProfileNotFoundError):  # its text names the file, and the other profiles
        return ProfileNotFoundError("there is no such profile here")
    of_provider = isinstance(error, ProviderAuthenticationError | ProviderNotFoundError) and error.provider
    if not of_provider or isinstance(error, ModelNotFoundError):  # a refused key of ours names no provider
        return error
    ours = ProviderResponseError(f"the gateway cannot use {of_provider}: {error.message}")
    ours.attempts = error.attempts
    return ours


def report_lockfile(problem: LockfileError | None) -> None:
    """Log that the lockfile cannot be read any more, or can be read again."""
    if problem is None:
        _logger.warning("the lockfile can be read again, and is served")
    else:
        _logger.error("the last good lockfile is served, since the one on disk cannot be read: %s", problem)


def no_model(name: str | None) -> ModelNotFoundError:
    """Return the error for a name that is not served."""
    return ModelNotFoundError(
        f"there is no model {name!r} here; the list of models names the aliases that are served"
    )
