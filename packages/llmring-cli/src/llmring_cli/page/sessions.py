"""Sign-in: a token once, then a cookie; forms carry a second secret that no other site can read."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie

import msgspec
from llmring.serve import MemorySessions, SessionStore
from llmring_types.exceptions import ValidationError

_LIFETIME_S = 12 * 3600
_LEAST_LETTERS = 16
"""Of a token that somebody chose: a shorter one can be guessed."""


class Session(msgspec.Struct, kw_only=True):
    """Somebody who has signed in.

    Attributes:
        identity: that their cookie has.
        ends_at: seconds of the machine's clock.
        csrf: the value that their forms carry.
        notice: shown once, on the next page.
        new_secret: of a key that they made, shown once, on the next page.
    """

    identity: str
    ends_at: float
    csrf: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(32))
    notice: str = ""
    new_secret: str = ""


class Sessions:
    """Those who have signed in.

    Args:
        token: what signs in.
        store: keeps them; by default the memory of this process.
        clock: seconds, for the end of a session after 12 hours; the same in all processes of the machine.

    Raises:
        ValidationError: the token has fewer than 16 characters (also a ``ValueError``).
    """

    def __init__(
        self,
        token: str,
        store: SessionStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if len(token) < _LEAST_LETTERS:
            raise ValidationError(f"the token of the page must have {_LEAST_LETTERS} characters or more")
        self._token = token.encode()
        self._clock = clock
        self._store = store or MemorySessions()
        # Browsers keep one set of cookies for all ports of a host, and two servers may run there.
        self._cookie = f"llmring_{hashlib.sha256(self._token).hexdigest()[:8]}"

    async def sign_in(self, token: str, *, secure: bool) -> str | None:
        """Return the cookie to set; ``None`` if the token is not the right one.

        Args:
            token: that was given.
            secure: the browser came by HTTPS, and shall send the cookie by nothing else.
        """
        if not hmac.compare_digest(token.encode(errors="replace"), self._token):
            return None
        session = Session(identity=secrets.token_urlsafe(32), ends_at=self._clock() + _LIFETIME_S)
        await self.keep(session)
        return self._set(session.identity, _LIFETIME_S) + ("; Secure" if secure else "")

    async def find(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session of a request."""
        identity = self._identity(headers)
        kept = await self._store.get(identity) if identity else None
        if kept is None:
            return None
        session = msgspec.json.decode(kept, type=Session)
        return session if session.ends_at > self._clock() else None

    async def keep(self, session: Session) -> None:
        """Keep what has changed in a session."""
        await self._store.put(session.identity, msgspec.json.encode(session))

    async def take_notice(self, session: Session) -> tuple[str, str]:
        """Return the notice and the secret of the new key, which are not shown again."""
        shown = session.notice, session.new_secret
        if any(shown):
            session.notice = session.new_secret = ""
            await self.keep(session)
        return shown

    async def sign_out(self, headers: Mapping[str, str]) -> str:
        """End the session of a request, and return the cookie that removes its own."""
        await self._store.put(self._identity(headers), None)
        return self._set("", 0)

    def _identity(self, headers: Mapping[str, str]) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _set(self, value: str, seconds: int) -> str:
        return f"{self._cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
