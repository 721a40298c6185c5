"""One request and its answer through aiohttp's public session, for versions whose layers below it are not known."""

import io

import aiohttp

from llmring_providers.transport._bodies import ACCEPT_ENCODING
from llmring_providers.transport._connector import abort, checkout
from llmring_providers.transport._protocol import HttpRequest

_AT_ONCE = 2**20
"""A longer body is written in pieces, so that other calls of the loop get their turn."""
_LONGEST_HEADER = 64 * 1024
NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None)


def make_session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """Return a session that does as little of its own as it can; it owns the connector."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=NO_LIMIT,
        auto_decompress=False,
        max_field_size=_LONGEST_HEADER,
        headers={
            "accept-encoding": ACCEPT_ENCODING,
            "user-agent": f"llmring {aiohttp.http.SERVER_SOFTWARE}",
        },
    )


async def ask(
    session: aiohttp.ClientSession, request: HttpRequest, proxy: str | None
) -> aiohttp.ClientResponse:
    """Send a request and return when the head of the answer has come.

    Raises:
        aiohttp.ClientError: there is no answer.
        ValueError: the request cannot be sent.
    """
    if any("\0" in value for value in request.headers.values()):  # which aiohttp lets through before 3.13
        raise ValueError("a stray character in a header")
    body = request.body
    try:
        return await session.request(
            request.method,
            request.url,
            data=(io.BytesIO(body) if len(body) > _AT_ONCE else body) or None,
            headers=request.headers,
            proxy=proxy,
            allow_redirects=False,
        )
    except BaseException:
        abort(checkout.get().transport)
        raise
