"""The text of a transport's failures: the host and the reason, never a URL, a header or a proxy's password."""

from urllib.parse import urlsplit

from llmring_providers.transport._protocol import TransportError

NOT_SENDABLE = (
    "the URL, a header or the proxy is not valid HTTP: look for stray characters in the base URL and the key"
)
BROKEN_OFF = "the answer broke off or is not valid HTTP"
LOST_UNANSWERED = (
    "the server closed a connection that was kept from an earlier call, without an answer: whether it had received the "
    "request cannot be known"
)
UNTRUSTED = "its TLS certificate is not trusted: pass the transport an ssl_context that trusts its authority"


def failure(url: str, reason: str, *, sent: bool = True) -> TransportError:
    """Build the error for a request to this URL; ``sent`` is whether some of it may have arrived."""
    return TransportError(f"{host_of(url)}: {reason}", sent=sent)


def host_of(url: str) -> str:
    """Return host and port, without user and password."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "no host"
    except ValueError:
        return "no valid host"
