"""The observers of a ring, from its settings. What is not asked for is not imported."""

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from llmring_providers.transport import AutoTransport, LoopbackOnly, Transport
from llmring_types.exceptions import ConfigurationError

from llmring._records import Observer, Observers
from llmring._settings import Settings

if TYPE_CHECKING:
    from llmring_providers.transport.httpx import HttpClient

    from llmring.server import ServerClient


def open_transport(
    settings: Settings, given: Transport | None = None, http_client: "HttpClient | None" = None
) -> Transport:
    """Return what carries the bytes of a ring: the transport or the HTTP client that was given, or llmring's own.

    Raises:
        ConfigurationError: both were given, or the client is of the wrong kind.
    """
    if http_client is None:
        return given or AutoTransport(trust_env=settings.proxies)
    if given is not None:
        raise ConfigurationError(
            "give a transport or an http_client, not both: each carries all traffic of the ring"
        )
    from llmring_providers.transport.httpx import HttpxTransport  # noqa: PLC0415 - an extra

    return HttpxTransport(http_client)


def open_server(
    url: str | None, key: str, settings: Settings, http_client: "HttpClient | None" = None
) -> "ServerClient | None":
    """Return the client of the usage server; ``None`` without a URL. It has its own connections, or the given client.

    Args:
        url: where the server is.
        key: the key for it.
        settings: those of the ring.
        http_client: carries its requests instead.

    Raises:
        ConfigurationError: the URL is not valid, or no header can carry the key.
    """
    if not url:
        return None
    from llmring.server import ServerClient  # noqa: PLC0415 - most rings have no server

    transport = open_transport(settings, http_client=http_client)
    return ServerClient(url, key, transport=transport if settings.allow_network else LoopbackOnly(transport))


def open_observers(
    given: Sequence[Observer],
    *,
    server: "ServerClient | None",
    conversations: bool,
    usage_log: str | Path | None,
    capture_content: bool,
    base_url_of: Callable[[str], str | None],
    secrets: Callable[[], Iterable[str]],
) -> Observers:
    """Return those given, and one for each place that calls are to be reported to.

    Args:
        given: the user's own.
        server: the usage server's client.
        conversations: tell it messages and answers.
        usage_log: the file of the local log.
        capture_content: put messages and answers on spans.
        base_url_of: returns the base URL of a provider.
        secrets: returns the values that must not be reported, should a host repeat one.
    """
    observers = list(given)
    if server is not None:
        from llmring.server import ServerLog  # noqa: PLC0415 - most rings have no server

        observers.append(ServerLog(server, conversations=conversations, secrets=secrets))
    if usage_log:
        from llmring.usage import UsageLog  # noqa: PLC0415 - loads sqlite3

        observers.append(UsageLog(usage_log, secrets=secrets))

    def late() -> Sequence[Observer]:
        if "opentelemetry" not in sys.modules:  # whoever configures it has imported it
            return ()
        from llmring._observing.telemetry import find_telemetry  # noqa: PLC0415 - at the first call, not before

        return find_telemetry(content=capture_content, base_url_of=base_url_of, secrets=secrets)

    return Observers(observers, late=late)
