"""Sessions: how long they last, and which cookie is whose."""

from llmring_cli.page.sessions import Sessions

TOKEN = "a-token-of-a-test-0123456789"


def test_a_session_ends_after_twelve_hours() -> None:
    now = [0.0]
    sessions = Sessions(TOKEN, clock=lambda: now[0])
    headers = _headers(sessions.sign_in(TOKEN, secure=False))
    now[0] = 12 * 3600 - 1
    assert sessions.find(headers) is not None
    now[0] = 12 * 3600
    assert sessions.find(headers) is None


def test_the_oldest_session_goes_first() -> None:
    sessions = Sessions(TOKEN)
    every = [_headers(sessions.sign_in(TOKEN, secure=False)) for _ in range(101)]
    assert [sessions.find(headers) is None for headers in every] == [True, *[False] * 100]


def test_two_servers_of_a_host_keep_their_own_cookies() -> None:
    first, second = Sessions(TOKEN), Sessions(TOKEN + "-other")
    both = "; ".join(
        _headers(each)["cookie"]
        for each in (first.sign_in(TOKEN, secure=False), second.sign_in(TOKEN + "-other", secure=False))
    )
    assert first.find({"cookie": both}) is not None
    assert second.find({"cookie": both}) is not None


def test_what_is_no_cookie_is_nobodys() -> None:
    assert Sessions(TOKEN).find({"cookie": '\x00=;;[]="llmring'}) is None


def _headers(cookie: str | None) -> dict[str, str]:
    assert cookie is not None
    return {"cookie": cookie.partition(";")[0]}
