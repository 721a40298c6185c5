"""The page's routes, over a gateway in memory: who sees what, and what changes."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
from asgi import Reply, ask
from gateways import CHAT, OPENAI, ring_of
from llmring import LLMRing
from llmring.serve import Gateway, KeyStore, PageServer, app
from llmring_cli.page import open_page
from llmring_lockfile import Binding, Lockfile, Profile, load
from llmring_providers.sim import Rule, faults
from llmring_types import LLMRequest, Message, ModelRef
from llmring_types.exceptions import ValidationError

TOKEN = "a-token-of-a-test-0123456789"
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8787"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u202e\x1b"
ELSEWHERE = ("192.0.2.7", 5000)


class Visitor:
    """Somebody with a browser, who keeps its cookie."""

    def __init__(self, app: Gateway | PageServer, client: tuple[str, int] = ("127.0.0.1", 5000)) -> None:
        self.app, self.client, self.cookie = app, client, ""

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return await self._ask(path, headers or {}, None)

    async def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Reply:
        return await self._ask(path, {**FORM, **(headers or {})}, urlencode(form).encode())

    async def _ask(self, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        cookie = {"cookie": self.cookie} if self.cookie else {}
        reply = await ask(self.app, path, body, headers={**headers, **cookie}, client=self.client)
        if "set-cookie" in reply.headers:
            self.cookie = reply.headers["set-cookie"].partition(";")[0]
        return reply

    async def sign_in(self) -> str:
        """Sign in and return the secret that forms carry."""
        reply = await self.post("/page/sign-in", {"token": TOKEN})
        assert (reply.status, reply.headers["location"]) == (303, "/")
        found = re.search(r'name="csrf" value="([^"]+)"', text(await self.get("/")))
        assert found is not None
        return found[1]


def text(reply: Reply) -> str:
    return reply.body.decode()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    with KeyStore(tmp_path / "keys.db") as store:
        yield store


@pytest.fixture
async def gateway(tmp_path: Path, store: KeyStore, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Gateway]:
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", TOKEN)
    log = tmp_path / "usage.db"
    async with ring_of(usage_log=log) as ring:
        opened = open_page(log=log, lockfile=lambda: ring.lockfile, keys=store, serves=True)
        yield app(ring, keys=store, page=opened.page)


async def test_without_keys_this_machine_reads_and_changes_nothing(gateway: Gateway) -> None:
    visitor = Visitor(gateway)
    page = await visitor.get("/")
    assert page.status == 200
    assert "Playground" in text(page)
    assert 'name="csrf"' not in text(page)
    assert (await visitor.post("/page/keys/create", {"name": "x"})).status == 403


async def test_others_and_everybody_once_there_are_keys_must_sign_in(
    gateway: Gateway, store: KeyStore
) -> None:
    for visitor in (Visitor(gateway, ELSEWHERE), Visitor(gateway)):
        for path in ("/", "/page/live"):
            reply = await visitor.get(path)
            assert (reply.status, reply.headers["location"]) == (303, "/page/sign-in")
        store.create("first")
        await visitor.sign_in()
        assert (await visitor.get("/")).status == 200


async def test_a_proxy_of_this_machine_is_not_this_machine(gateway: Gateway) -> None:
    assert (await Visitor(gateway).get("/", {"x-forwarded-for": "192.0.2.7"})).status == 303


async def test_the_printed_address_signs_in_and_leaves_the_token_out_of_the_history(gateway: Gateway) -> None:
    visitor = Visitor(gateway, ELSEWHERE)
    reply = await visitor.get(f"/?token={TOKEN}")
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert reply.headers["set-cookie"].endswith("; HttpOnly; SameSite=Strict")
    assert "Sign out" in text(await visitor.get("/"))


async def test_a_wrong_token_signs_nobody_in(gateway: Gateway) -> None:
    visitor = Visitor(gateway, ELSEWHERE)
    assert (await visitor.get("/?token=guessed")).status == 403
    assert (await visitor.post("/page/sign-in", {"token": TOKEN[:-1]})).status == 403
    assert visitor.cookie == ""


async def test_signing_out_ends_the_session_and_not_the_cookie_alone(gateway: Gateway) -> None:
    visitor = Visitor(gateway, ELSEWHERE)
    csrf = await visitor.sign_in()
    kept = visitor.cookie
    await visitor.post("/page/sign-out", {"csrf": csrf})
    visitor.cookie = kept
    assert (await visitor.get("/")).status == 303


async def test_behind_https_the_cookie_goes_by_https_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", TOKEN)
    page = open_page(log=None, lockfile=None).page
    async with ring_of() as ring:
        served = app(ring, page=page, host_names=["llm.example.com"])
        headers = {"host": "llm.example.com", "origin": "https://llm.example.com"}
        reply = await Visitor(served, ELSEWHERE).post("/page/sign-in", {"token": TOKEN}, headers)
    assert reply.headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "headers",
    [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "http://127.0.0.1:1"}],
)
async def test_requests_of_other_sites_are_refused(gateway: Gateway, headers: dict[str, str]) -> None:
    visitor = Visitor(gateway)
    csrf = await visitor.sign_in()
    assert (await visitor.get("/", headers)).status == 403
    assert (await visitor.post("/page/keys/create", {"csrf": csrf}, headers)).status == 403


async def test_a_key_is_created_shown_once_and_revoked(gateway: Gateway, store: KeyStore) -> None:
    visitor = Visitor(gateway)
    csrf = await visitor.sign_in()
    form = {"csrf": csrf, "name": EVIL, "aliases": "fast, safe", "budget": "2/day", "rpm": "60", "tpm": ""}
    assert (await visitor.post("/page/keys/create", form)).headers["location"] == "/#keys"
    (state,) = store.states()
    assert (state.key.name, state.key.aliases, str(state.key.budget), state.key.rpm, state.key.tpm) == (
        EVIL,
        ("fast", "safe"),
        "$2/day",
        60,
        None,
    )
    secret = re.search(r"<code>(llmr-[^<]+)</code>", text(await visitor.get("/")))
    assert secret is not None
    assert store.find(secret[1]) is not None
    assert "llmr-" not in text(await visitor.get("/"))
    await visitor.post("/page/keys/revoke", {"csrf": csrf, "id": state.key.id})
    assert store.find(secret[1]) is None


@pytest.mark.parametrize(
    ("field", "value"), [("budget", "much"), ("rpm", "-1"), ("tpm", "9" * 5000), ("rpm", "1.5"), ("tpm", "²")]
)
async def test_a_limit_that_is_none_makes_no_key(
    gateway: Gateway, store: KeyStore, field: str, value: str
) -> None:
    visitor = Visitor(gateway)
    csrf = await visitor.sign_in()
    assert (await visitor.post("/page/keys/create", {"csrf": csrf, field: value})).status == 303
    assert store.states() == []
    assert 'class="notice"' in text(await visitor.get("/"))


@pytest.mark.parametrize("csrf", ["", "guessed"])
async def test_a_form_without_its_secret_changes_nothing(
    gateway: Gateway, store: KeyStore, csrf: str
) -> None:
    visitor = Visitor(gateway)
    await visitor.sign_in()
    assert (await visitor.post("/page/keys/create", {"csrf": csrf})).status == 403
    assert store.states() == []


async def test_large_bodies_and_many_fields_are_refused(gateway: Gateway) -> None:
    visitor = Visitor(gateway)
    assert (await visitor.post("/page/sign-in", {"token": "x" * 20_000})).status == 413
    many = {f"field{number}": "x" for number in range(100)}
    assert (await visitor.post("/page/sign-in", {"token": TOKEN, **many})).status == 403


async def test_every_answer_forbids_scripts_of_others(gateway: Gateway) -> None:
    visitor = Visitor(gateway)
    paths = [
        "/",
        "/page/sign-in",
        "/page/live",
        "/page/page.css",
        "/page/page.js",
        "/page/icon.svg",
        "/page/none",
    ]
    for reply in [await visitor.get(path) for path in paths]:
        policy = reply.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert reply.headers["cache-control"] == "no-store"


async def test_pages_have_no_style_script_or_address_outside_their_own_files(gateway: Gateway) -> None:
    page = text(await Visitor(gateway).get("/"))
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?! src=\"/page/)", page)
    assert not re.findall(r"(?:src|href|action)=\"(?!/|#)[^\"]*", page)


async def test_calls_and_their_attempts_are_shown() -> None:
    failing = Rule(model="bad", fault=faults.Status(status=500, message=EVIL))
    async with ring_of(failing, Rule()) as ring:
        page = open_page(log=None, lockfile=lambda: ring.lockfile, serves=True).page
        gateway = app(ring, page=page)
        await ask(gateway, OPENAI, {**CHAT, "model": "safe"})
        live = text(await Visitor(gateway).get("/page/live"))
    assert "sim:bad: error, status 500" in live
    assert "sim:good: ok" in live
    assert "<script" not in live


async def test_hostile_text_stays_text_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", TOKEN)
    name = EVIL.replace("\x1b", "")
    hostile = Profile(name=name, bindings=(Binding(alias=name, models=(ModelRef("sim", name),)),))
    lockfile = Lockfile(
        profiles={"default": Profile(name="default", bindings=hostile.bindings), name: hostile}
    )
    log = tmp_path / "usage.db"
    with KeyStore(tmp_path / "keys.db") as store:
        store.create(EVIL, aliases=[EVIL])
        async with ring_of(usage_log=log) as ring:
            await ring.chat(_request(EVIL))
            page = open_page(log=log, lockfile=lambda: lockfile, keys=store, serves=True).page
            visitor = Visitor(app(ring, keys=store, page=page))
            await ask(visitor.app, OPENAI, {**CHAT, "model": EVIL}, headers={"x-api-key": "llmr-none"})
            await ring.close()
            await visitor.sign_in()
            shown = text(await visitor.get("/"))
    assert "&lt;script&gt;alert(1)" in shown
    assert "<script>" not in shown
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown


def _request(origin: str) -> LLMRequest:
    return LLMRequest(model="fast", messages=[Message(role="user", content="Hi")], metadata={"key": origin})


async def test_a_log_or_lockfile_that_cannot_be_read_is_said_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "usage.db").write_text("no database")

    def lockfile() -> Lockfile:
        return load(tmp_path / "none.lock")

    async with ring_of() as ring:
        page = open_page(log=tmp_path / "usage.db", lockfile=lockfile, serves=True).page
        shown = text(await Visitor(app(ring, page=page)).get("/"))
    assert "usage.db" in shown
    assert "none.lock" in shown


async def test_a_lockfile_that_broke_is_said_on_the_page_while_the_last_good_one_is_shown(
    tmp_path: Path,
) -> None:
    lockfile = tmp_path / "llmring.lock"
    lockfile.write_text('[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["sim:one"]\n')
    served: list[Gateway] = []
    async with LLMRing(lockfile_path=lockfile) as ring:
        page = open_page(
            log=None,
            lockfile=lambda: ring.lockfile,
            lockfile_problem=lambda: served[0].lockfile_problem,
            serves=True,
        ).page
        served.append(app(ring, page=page))
        visitor = Visitor(served[0])
        assert "The last good lockfile" not in text(await visitor.get("/"))
        lockfile.write_text(f"version = {EVIL}")
        ring.clear_alias_cache()
        shown = text(await visitor.get("/"))
    assert "The last good lockfile is served" in shown
    assert str(lockfile) in shown
    assert "<option>fast</option>" in shown
    assert "<img" not in shown


async def test_a_gateway_without_a_page_has_none() -> None:
    async with ring_of() as ring:
        assert (await ask(app(ring), "/")).status == 404


async def test_the_page_alone_asks_everybody_for_the_token(
    usage_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", TOKEN)
    visitor = Visitor(PageServer(open_page(log=usage_log, lockfile=None).page))
    assert (await visitor.get("/")).status == 303
    assert (await visitor.get("/", {"host": "evil.example"})).status == 403
    assert (await visitor.get("/v1/models")).status == 404
    await visitor.get(f"/?token={TOKEN}")
    shown = text(await visitor.get("/?days=90"))
    assert "There is no lockfile here." in shown
    assert "Playground" not in shown


def test_a_token_that_can_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", "short")
    with pytest.raises(ValidationError, match="16 characters"):
        open_page(log=None, lockfile=None)


def test_a_token_of_the_environment_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "?token=" in open_page(log=None, lockfile=None).url("http://127.0.0.1:1")
    monkeypatch.setenv("LLMRING_PAGE_TOKEN", TOKEN)
    assert TOKEN not in open_page(log=None, lockfile=None).url("http://127.0.0.1:1")
