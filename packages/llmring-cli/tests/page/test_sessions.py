"""Sessions: how long they last, and which cookie is whose."""

from llmring_cli.page.sessions import Sessions

TOKEN = "a-token-of-a-test-0123456789"


async def test_a_session_ends_after_twelve_hours() -> None:
    now = [0.0]
    sessions = Sessions(TOKEN, clock=lambda: now[0])
    headers = _headers(await sessions.sign_in(TOKEN, secure=False))
    now[0] = 12 * 3600 - 1
    assert await sessions.find(headers) is not None
    now[0] = 12 * 3600
    assert await sessions.find(headers) is None


async def test_the_oldest_session_goes_first() -> None:
    sessions = Sessions(TOKEN)
    every = [_headers(await sessions.sign_in(TOKEN, secure=False)) for _ in range(101)]
    assert [await sessions.find(headers) is None for headers in every] == [True, *[False] * 100]


async def test_two_servers_of_a_host_keep_their_own_cookies() -> None:
    first, second = Sessions(TOKEN), Sessions(TOKEN + "-other")
    both = "; ".join(
        _headers(each)["cookie"]
        for each in (
            await first.sign_in(TOKEN, secure=False),
            await second.sign_in(TOKEN + "-other", secure=False),
        )
    )
    assert await first.find({"cookie": both}) is not None
    assert await second.find({"cookie": both}) is not None


async def test_what_is_no_cookie_is_nobodys() -> None:
    assert await Sessions(TOKEN).find({"cookie": '\x00=;;[]="llmring'}) is None


def _headers(cookie: str | None) -> dict[str, str]:
    assert cookie is not None
    return {"cookie": cookie.partition(";")[0]}
