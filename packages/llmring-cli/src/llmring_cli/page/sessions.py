"""Sign-in: a token once, then a cookie; forms carry a second secret that no other site can read."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie

from llmring_types.exceptions import ValidationError

_LIFETIME_S = 12 * 3600
_MOST = 100
"""Sessions kept; the oldest goes first."""
_LEAST_LETTERS = 16
"""Of a token that somebody chose: a shorter one can be guessed."""


class Session:
    """Somebody who has signed in.

    Attributes:
        csrf: the value that their forms carry.
        notice: shown once, on the next page.
        new_secret: of a key that they made, shown once, on the next page.
    """

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.csrf = secrets.token_urlsafe(32)
        self.notice = ""
        self.new_secret = ""

    def take_new_secret(self) -> str:
        """Return the secret of the new key and forget it."""
        secret, self.new_secret = self.new_secret, ""
        return secret

    def take_notice(self) -> str:
        """Return the notice and forget it."""
        notice, self.notice = self.notice, ""
        return notice


class Sessions:
    """Those who have signed in to this process.

    Args:
        token: what signs in.
        clock: seconds, for the end of a session after 12 hours.

    Raises:
        ValidationError: the token has fewer than 16 characters (also a ``ValueError``).
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        if len(token) < _LEAST_LETTERS:
            raise ValidationError(f"the token of the page must have {_LEAST_LETTERS} characters or more")
        self._token = token.encode()
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        # Browsers keep one set of cookies for all ports of a host, and two servers may run there.
        self._cookie = f"llmring_{hashlib.sha256(self._token).hexdigest()[:8]}"

    def sign_in(self, token: str, *, secure: bool) -> str | None:
        """Return the cookie to set; ``None`` if the token is not the right one.

        Args:
            token: that was given.
            secure: the browser came by HTTPS, and shall send the cookie by nothing else.
        """
        if not hmac.compare_digest(token.encode(errors="replace"), self._token):
            return None
        identity = secrets.token_urlsafe(32)
        self._sessions[identity] = Session(self._clock() + _LIFETIME_S)
        if len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        return self._set(identity, _LIFETIME_S) + ("; Secure" if secure else "")

    def find(self, headers: Mapping[str, str]) -> Session | None:
        """Return the session of a request."""
        session = self._sessions.get(self._identity(headers))
        return session if session is not None and session.ends_at > self._clock() else None

    def sign_out(self, headers: Mapping[str, str]) -> str:
        """End the session of a request, and return the cookie that removes its own."""
        self._sessions.pop(self._identity(headers), None)
        return self._set("", 0)

    def _identity(self, headers: Mapping[str, str]) -> str:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return ""
        return "" if found is None else found.value

    def _set(self, value: str, seconds: int) -> str:
        return f"{self._cookie}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict"
