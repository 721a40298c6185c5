"""The page of ``llmring serve`` and ``llmring ui``: usage, calls, pools, keys and a playground."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llmring_types.exceptions import MissingSDKError

if TYPE_CHECKING:
    from llmring.serve import KeyStore, Page
    from llmring_lockfile import Lockfile

TOKEN_VARIABLE = "LLMRING_PAGE_TOKEN"  # noqa: S105 - its name


class OpenedPage(NamedTuple):
    """A page, and the token that signs in to it.

    Attributes:
        page: answers requests.
        token: of the environment, or made now.
        is_new: it was made now, so that the user has yet to see it.
    """

    page: "Page"
    token: str
    is_new: bool

    def url(self, base: str) -> str:
        """Return the address to open; with the token only where nobody knows it yet."""
        return f"{base}/?token={self.token}" if self.is_new else f"{base}/"


def open_page(
    *,
    log: Path | None,
    lockfile: "Callable[[], Lockfile] | None",
    profile: str | None = None,
    keys: "KeyStore | None" = None,
    serves: bool = False,
) -> OpenedPage:
    """Return the page; :class:`llmring_cli.page.views.Sources` describes the arguments.

    Raises:
        MissingSDKError: the extra is not installed.
        ValidationError: the token of the environment is too short (also a ``ValueError``).
    """
    try:
        from llmring_cli.page.site import Site  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingSDKError("the page needs an extra: pip install 'llmring-cli[ui]'") from error
    from llmring_cli.page.sessions import Sessions  # noqa: PLC0415 - as above
    from llmring_cli.page.views import Sources, Views  # noqa: PLC0415 - as above

    given = os.environ.get(TOKEN_VARIABLE)
    token = given or secrets.token_urlsafe(32)
    sources = Sources(log=log, lockfile=lockfile, profile=profile, keys=keys, serves=serves)
    return OpenedPage(Site(Views(sources), Sessions(token)), token, is_new=not given)
