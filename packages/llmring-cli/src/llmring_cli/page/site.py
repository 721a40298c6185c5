"""The routes of the page. Every text of it is escaped by Jinja; every answer has the same strict headers."""

import hmac
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from anyio import to_thread
from llmring.serve import Exchange, LiveCalls
from llmring_types.exceptions import LLMRingError, ProviderError, ProviderRequestTooLargeError

from llmring_cli.page.sessions import Session, Sessions
from llmring_cli.page.views import Views

_MAX_FORM_BYTES = 16 * 1024
_MAX_FIELDS = 20
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    # With no-referrer, browsers send "Origin: null" with forms: https://fetch.spec.whatwg.org/#origin-header
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_FILES = {
    "/page/page.css": "text/css; charset=utf-8",
    "/page/page.js": "text/javascript; charset=utf-8",
    "/page/icon.svg": "image/svg+xml",
}
_SIGN_IN = "/page/sign-in"


class Site:
    """The page: a ``llmring.serve.Page``.

    Args:
        views: make its HTML.
        sessions: who has signed in.
    """

    def __init__(self, views: Views, sessions: Sessions) -> None:
        self._views = views
        self._sessions = sessions

    async def __call__(self, exchange: Exchange, live: LiveCalls | None, *, admitted: bool) -> None:
        """Answer a request."""
        if exchange.path in _FILES and exchange.method in {"GET", "HEAD"}:
            await _send(exchange, self._views.file(exchange.path), {"content-type": _FILES[exchange.path]})
        elif exchange.method in {"GET", "HEAD"}:
            await self._show(exchange, live, admitted=admitted)
        elif exchange.method == "POST":
            await self._change(exchange)
        else:
            await _send(
                exchange,
                self._views.message("This method is not allowed."),
                {"allow": "GET, HEAD, POST"},
                405,
            )

    async def _show(self, exchange: Exchange, live: LiveCalls | None, *, admitted: bool) -> None:
        query = _fields(urlsplit(exchange.target).query)
        session = await self._sessions.find(exchange.headers)
        if exchange.path == "/" and "token" in query:
            await self._sign_in(exchange, query["token"])
        elif exchange.path == _SIGN_IN:
            await _send(exchange, self._views.sign_in())
        elif exchange.path not in {"/", "/page/live"}:
            await _send(exchange, self._views.message("There is nothing here."), {}, 404)
        elif session is None and not admitted:
            await _redirect(exchange, _SIGN_IN)
        elif exchange.path == "/page/live":
            await _send(exchange, self._views.live(live))
        else:
            shown = ("", "") if session is None else await self._sessions.take_notice(session)
            await _send(exchange, await self._views.whole(live, session, shown, query.get("days", "")))

    async def _change(self, exchange: Exchange) -> None:
        """Do what a form asks for. Origin was checked before; a session's forms carry its own secret as well."""
        try:
            body = await exchange.body(_MAX_FORM_BYTES)
        except ProviderError as error:
            status = 413 if isinstance(error, ProviderRequestTooLargeError) else error.status_code or 400
            await _send(exchange, self._views.message(error.message), {}, status)
            return
        form = _fields(body.decode(errors="replace"))
        if exchange.path == _SIGN_IN:
            await self._sign_in(exchange, form.get("token", "").strip())
            return
        session = await self._sessions.find(exchange.headers)
        if session is None or not _is_own(form, session):
            await _send(
                exchange,
                self._views.message("This form is not of this session: sign in and try again."),
                {},
                403,
            )
        elif exchange.path == "/page/sign-out":
            await _redirect(exchange, _SIGN_IN, await self._sessions.sign_out(exchange.headers))
        elif exchange.path in {"/page/keys/create", "/page/keys/revoke"} and self._views.keys is not None:
            await self._change_keys(exchange, form, session)
        else:
            await _send(exchange, self._views.message("There is nothing here."), {}, 404)

    async def _change_keys(self, exchange: Exchange, form: Mapping[str, str], session: Session) -> None:
        try:
            if exchange.path == "/page/keys/create":
                await to_thread.run_sync(self._views.create_key, form, session)
            else:
                await to_thread.run_sync(self._views.revoke_key, form, session)
        except LLMRingError as error:
            session.notice = str(error)
        await self._sessions.keep(session)
        await _redirect(exchange, "/#keys")

    async def _sign_in(self, exchange: Exchange, token: str) -> None:
        secure = exchange.headers.get("origin", "").startswith("https://")
        cookie = await self._sessions.sign_in(token, secure=secure)
        if cookie is None:
            await _send(exchange, self._views.sign_in("This is not the token of this page."), {}, 403)
        else:
            await _redirect(exchange, "/", cookie)


def _is_own(form: Mapping[str, str], session: Session) -> bool:
    return hmac.compare_digest(form.get("csrf", "").encode(errors="replace"), session.csrf.encode())


def _fields(text: str) -> dict[str, str]:
    """Return the first value of each field; none of a form that is none."""
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}


async def _send(
    exchange: Exchange, body: str, headers: Mapping[str, str] | None = None, status: int = 200
) -> None:
    given = {"content-type": "text/html; charset=utf-8", **_HEADERS, **(headers or {})}
    await exchange.answer(status, given, body.encode(errors="replace"))


async def _redirect(exchange: Exchange, place: str, cookie: str = "") -> None:
    headers = {**_HEADERS, "location": place}
    if cookie:
        headers["set-cookie"] = cookie
    await exchange.answer(303, headers, b"")
