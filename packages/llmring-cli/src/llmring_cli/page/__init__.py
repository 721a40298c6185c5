"""The page of ``llmring serve`` and ``llmring ui``: usage, calls, pools, keys and a playground."""

import os
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from llmring_types.exceptions import MissingSDKError

if TYPE_CHECKING:
    from llmring.serve import Exchange, KeyStore, LiveCalls, Page, SessionStore
    from llmring_lockfile import Lockfile
    from llmring_types.exceptions import LLMRingError

TOKEN_VARIABLE = "LLMRING_PAGE_TOKEN"  # noqa: S105 - its name


class PageToken(NamedTuple):
    """The token that signs in to a page.

    Attributes:
        text: of the environment, or made now.
        is_new: it was made now, so that the user has yet to see it.
    """

    text: str
    is_new: bool

    @classmethod
    def choose(cls) -> Self:
        """Return the token of the environment, or a new one."""
        given = os.environ.get(TOKEN_VARIABLE)
        return cls(given or secrets.token_urlsafe(32), is_new=not given)

    def url(self, base: str) -> str:
        """Return the address to open; with the token only where nobody knows it yet."""
        return f"{base}/?token={self.text}" if self.is_new else f"{base}/"


class OpenedPage(NamedTuple):
    """A page, and the token that signs in to it.

    Attributes:
        page: answers requests.
        token: signs in.
    """

    page: "Page"
    token: PageToken

    def url(self, base: str) -> str:
        """Return the address to open."""
        return self.token.url(base)


def require_extra(what: str) -> None:
    """Make sure that templates and charts can be made.

    Raises:
        MissingSDKError: the extra is not installed.
    """
    if any(find_spec(name) is None for name in ("jinja2", "leather")):
        raise MissingSDKError(f"{what} needs an extra: pip install 'llmring-cli[ui]'")


def open_page(
    *,
    log: Path | None,
    lockfile: "Callable[[], Lockfile] | None",
    lockfile_problem: "Callable[[], LLMRingError | None]" = lambda: None,
    profile: str | None = None,
    keys: "KeyStore | None" = None,
    serves: bool = False,
    token: PageToken | None = None,
    sessions: "SessionStore | None" = None,
) -> OpenedPage:
    """Return the page; :class:`llmring_cli.page.views.Sources` describes the other arguments.

    Args:
        token: signs in; ``None`` takes that of the environment, or makes one.
        sessions: keeps those who have signed in; by default the memory of this process.

    Raises:
        MissingSDKError: the extra is not installed.
        ValidationError: the token of the environment is too short (also a ``ValueError``).
    """
    require_extra("the page")
    from llmring_cli.page.sessions import Sessions  # noqa: PLC0415 - help does without

    token = token or PageToken.choose()
    signed_in = Sessions(token.text, sessions)

    def make() -> "Page":
        from llmring_cli.page.site import Site  # noqa: PLC0415 - see _FirstUse
        from llmring_cli.page.views import Sources, Views  # noqa: PLC0415 - as above

        sources = Sources(
            log=log,
            lockfile=lockfile,
            lockfile_problem=lockfile_problem,
            profile=profile,
            keys=keys,
            serves=serves,
        )
        return Site(Views(sources), signed_in)

    return OpenedPage(_FirstUse(make), token)


class _FirstUse:
    """A page that is made when somebody first looks: templates and charts take 0.2 s to load, calls do not wait."""

    def __init__(self, make: "Callable[[], Page]") -> None:
        self._make = make
        self._page: Page | None = None

    async def __call__(self, exchange: "Exchange", live: "LiveCalls | None", *, admitted: bool) -> None:
        if self._page is None:
            from anyio import to_thread  # noqa: PLC0415 - as above

            self._page = await to_thread.run_sync(self._make)
        await self._page(exchange, live, admitted=admitted)
