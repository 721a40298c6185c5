"""The pytest plugin, in runs of pytest of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import llmring_lockfile
import pytest
from llmring import LLMRing
from llmring.testing import Rule, Script, Simulator, faults

pytest_plugins = ["pytester"]

IMPORTS = """
import asyncio
import pytest
from llmring import *
from llmring.testing import *

def ask(model="default", text="Hi"):
    return LLMRequest(messages=[Message(role="user", content=text)], model=model)
"""
PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "testing.md"
INI = """
[pytest]
addopts = -p no:hypothesispytest
filterwarnings =
    error
    ignore:.*asyncio_default_fixture_loop_scope
"""
LLMRing(lockfile=llmring_lockfile.Lockfile())
"""Loads what a ring loads: pytester takes modules that its runs load out again, and packages keep names of theirs."""
WITHOUT_ASYNC = ("-p", "no:asyncio", "-p", "no:anyio")


def write(pytester: pytest.Pytester, body: str, name: str = "test_it.py") -> None:
    (pytester.path / name).write_text(IMPORTS + body)


@pytest.fixture(autouse=True)
def plain_pytest(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)


# ---------------------------------------------------------------------- rings


def test_a_ring_is_answered_by_the_fake_provider_without_any_async_plugin(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        """
def test_hello(ring, fake_provider):
    assert asyncio.run(ring.chat(ask())).content == "Hello"
    assert [str(call.ref) for call in fake_provider.calls] == ["openai:gpt-5-mini"]

def test_replies(ring, fake_provider):
    fake_provider.replies = [ProviderRateLimitError("wait", retry_after=0), "It is sunny."]
    response = asyncio.run(ring.chat(ask()))
    assert (response.content, len(response.attempts)) == ("It is sunny.", 2)

def test_every_provider_is_the_fake_one(ring, fake_provider):
    for name in ("openai:gpt-4o", "anthropic:x", "google:x", "ollama:x", "sim:x", "fake:x"):
        assert asyncio.run(ring.chat(ask(name))).model == name
    assert len(fake_provider.calls) == 6
""",
    )
    pytester.runpytest(*WITHOUT_ASYNC).assert_outcomes(passed=3)


def test_rings_of_the_application_itself_are_answered_by_the_fake_provider(pytester: pytest.Pytester) -> None:
    (pytester.path / "application.py").write_text(
        "from llmring import LLMRequest, LLMRing, Message\n"
        "def answer(text, **settings):\n"
        "    with LLMRing.sync() as ring:\n"
        "        if settings:\n"
        "            ring.register_provider('openai', **settings)\n"
        "        return ring.ask(text, model='openai:gpt-5')\n"
    )
    write(
        pytester,
        """
import application

def test_without_a_key(fake_provider):
    assert application.answer("Hi") == "Hello"
    assert len(fake_provider.calls) == 1

def test_with_a_key_of_its_own(fake_provider):
    assert application.answer("Hi", api_key="k", base_url="http://127.0.0.1:9/v1") == "Hello"

def test_after_it_all_is_as_before():
    with pytest.raises(LLMRingError, match="OPENAI_API_KEY"):
        application.answer("Hi")

def test_beside_the_simulator(fake_provider, llmring_simulator):
    assert "simulated" in application.answer("Hi")
    assert fake_provider.calls == []
""",
    )
    pytester.runpytest(*WITHOUT_ASYNC).assert_outcomes(passed=4)


def test_what_no_address_leads_to_the_simulator_is_answered_by_it_too(pytester: pytest.Pytester) -> None:
    (pytester.path / "acme_llm.py").write_text("def create(settings):\n    raise AssertionError\n")
    info = pytester.path / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[llmring.providers]\nacme = acme_llm:create\n")
    pytester.syspathinsert()
    write(
        pytester,
        """
def test_it(ring, llmring_simulator):
    llmring_simulator.script = Script(rules=(Rule(answer=Answer(text="scripted")),))
    for name in ("sim:demo", "acme:rocket", "openai:gpt-5"):
        assert asyncio.run(ring.chat(ask(name))).content == "scripted"
    assert [request.prompt.model for request in llmring_simulator.requests] == ["demo", "rocket", "gpt-5"]
""",
    )
    pytester.runpytest(*WITHOUT_ASYNC).assert_outcomes(passed=1)


def test_the_fixtures_can_be_overridden_as_usual(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        """
@pytest.fixture
def fake_provider():
    return FakeProvider("I am another one.")

@pytest.fixture
def llmring_lockfile():
    import llmring_lockfile
    return llmring_lockfile.parse(
        'version = "1.0"\\n[[profiles.default.bindings]]\\nalias = "mine"\\nmodels = ["acme:small"]'
    )

def test_it(ring):
    response = asyncio.run(ring.chat(ask("mine")))
    assert (response.content, response.model) == ("I am another one.", "acme:small")
""",
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_lockfile_is_that_of_the_project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    llmring_lockfile.bind(
        pytester.path / "llmring.lock", "summarizer", "anthropic:claude-haiku-4-5", create=True
    )
    monkeypatch.setenv("LLMRING_SERVER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(pytester.path / "usage.db"))
    write(
        pytester,
        """
def test_it(ring):
    assert asyncio.run(ring.chat(ask("summarizer"))).model == "anthropic:claude-haiku-4-5"
    with pytest.raises(AliasNotFoundError):
        asyncio.run(ring.chat(ask("default")))
    asyncio.run(ring.close())
""",
    )
    pytester.runpytest().assert_outcomes(passed=1)
    assert not (pytester.path / "usage.db").exists(), "tests are not usage"


ASYNC = """
async def check(ring, llmring_simulator):
    llmring_simulator.script = Script(rules=(Rule(answer=Answer(text="simulated")),))
    assert (await ring.chat(ask())).content == "simulated"
    assert [chunk.delta async for chunk in ring.chat_stream(ask("anthropic:m"))][0] == "simulated"
    assert len(llmring_simulator.requests) == 2
"""
RUNNERS = [
    ("def test_it(ring, llmring_simulator):\n    asyncio.run(check(ring, llmring_simulator))", WITHOUT_ASYNC),
    (
        "@pytest.mark.asyncio\nasync def test_it(ring, llmring_simulator):\n    await check(ring, llmring_simulator)",
        (),
    ),
    (
        "@pytest.mark.anyio\nasync def test_it(ring, llmring_simulator):\n    await check(ring, llmring_simulator)",
        ("-p", "no:asyncio"),
    ),
]


@pytest.mark.parametrize(("test", "options"), RUNNERS, ids=["none", "asyncio", "anyio on asyncio and trio"])
def test_a_ring_talks_to_the_simulator_under_every_runner(
    pytester: pytest.Pytester, test: str, options: tuple[str, ...]
) -> None:
    write(pytester, ASYNC + test)
    result = pytester.runpytest(*options)
    result.assert_outcomes(passed=2 if "anyio" in test else 1)


def test_vendors_sdks_talk_to_the_simulator_too(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        """
import openai

def test_it(llmring_simulator):
    with openai.OpenAI() as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert llmring_simulator.requests[0].prompt.model == "m"
""",
    )
    pytester.runpytest("-W", "ignore::DeprecationWarning").assert_outcomes(passed=1)


# ---------------------------------------------------------------------- cassettes


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A provider on this machine, in place of a real one."""
    script = Script(rules=(Rule(model="broken", fault=faults.Status(status=400)),))
    with Simulator(script) as simulator:
        monkeypatch.setenv("OPENAI_BASE_URL", simulator.base_url("openai"))
        yield simulator


RECORDED = """
@pytest.mark.llmring_cassette
def test_one(ring):
    assert "simulated" in asyncio.run(ring.chat(ask("openai:m"))).content

@pytest.mark.llmring_cassette
@pytest.mark.parametrize("text", ["a/b", "a_b", "x" * 300], ids=str)
class TestMore:
    def test_own_ring(self, text):
        async def main():
            async with LLMRing() as ring:
                return await ring.chat(ask("openai:m", text))
        assert text[:99] in asyncio.run(main()).content
"""


def test_cassettes_are_recorded_once_and_replayed_without_a_key(
    pytester: pytest.Pytester, provider: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pytester, RECORDED)
    result = pytester.runpytest()
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(["*there is no cassette *test_one.json*--llmring-record=once*"])

    with monkeypatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-the-real-key")
        pytester.runpytest("--llmring-record=once").assert_outcomes(passed=4)
    folder = pytester.path / "cassettes" / "test_it"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 4
    assert names[0].startswith("TestMore.test_own_ring[")
    assert names[-1] == "test_one.json"
    assert not any("sk-the-real-key" in path.read_text() for path in folder.iterdir())

    provider.requests.clear()
    pytester.runpytest("--llmring-record=once").assert_outcomes(passed=4)
    pytester.runpytest(*WITHOUT_ASYNC, "--llmring-refuse-network").assert_outcomes(passed=4)
    assert provider.requests == []

    with monkeypatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-the-real-key")
        pytester.runpytest("--llmring-record=all", "-k", "test_one").assert_outcomes(passed=1, deselected=3)
    assert len(provider.requests) == 1


def replay_other(pytester: pytest.Pytester, before: str, after: str) -> pytest.RunResult:
    """Record a test and replay another one of the same name."""
    head = "@pytest.mark.llmring_cassette('one.json')\ndef test_it(ring):\n    "
    write(pytester, head + before)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "a-real-key")
        pytester.runpytest("--llmring-record=all").assert_outcomes(passed=1)
    assert (pytester.path / "one.json").exists()
    write(pytester, head + after)
    return pytester.runpytest()


ASK = "asyncio.run(ring.chat(ask('openai:m', {!r})))"


def test_a_test_that_asks_something_else_fails_with_the_difference(
    pytester: pytest.Pytester, provider: Simulator
) -> None:
    result = replay_other(pytester, ASK.format("Bern?"), ASK.format("Basel?"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(['*$.messages[[]0[]].content: recorded "Bern?", asked "Basel?"'])


def test_a_test_that_hides_what_did_not_match_fails_too(
    pytester: pytest.Pytester, provider: Simulator
) -> None:
    hidden = f"""
    with pytest.raises(LLMRingError):
        {ASK.format("Basel?")}
    """
    result = replay_other(pytester, ASK.format("Bern?"), hidden)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["POST * is not in *one.json*", "1 of the 1 interactions * were not asked for*"]
    )


def test_a_test_that_asks_less_fails_but_one_that_breaks_off_only_says_so(
    pytester: pytest.Pytester, provider: Simulator
) -> None:
    result = replay_other(pytester, ASK.format("Bern?"), "pass")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["1 of the 1 interactions in *one.json were not asked for: *"])
    result = replay_other(pytester, ASK.format("Bern?"), "assert False")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*llmring*", "1 of the 1 interactions in *one.json were not asked for: *"])
    replay_other(pytester, ASK.format("Bern?"), "pytest.skip('later')").assert_outcomes(skipped=1)
    replay_other(pytester, ASK.format("Bern?"), "pytest.xfail('some day')").assert_outcomes(xfailed=1)


def test_a_recording_that_fails_before_it_asks_keeps_the_old_cassette(
    pytester: pytest.Pytester, provider: Simulator
) -> None:
    replay_other(pytester, ASK.format("Bern?"), "assert False")
    before = (pytester.path / "one.json").read_text()
    pytester.runpytest("--llmring-record=all").assert_outcomes(failed=1)
    assert (pytester.path / "one.json").read_text() == before
    write(pytester, "@pytest.mark.llmring_cassette('two.json')\ndef test_it(ring):\n    assert False")
    pytester.runpytest("--llmring-record=once").assert_outcomes(failed=1)
    assert not (pytester.path / "two.json").exists()


def test_secrets_can_be_named_and_unittest_has_cassettes_too(
    pytester: pytest.Pytester, provider: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any-key-at-all")
    write(
        pytester,
        """
import unittest

@pytest.fixture
def llmring_secrets():
    return ("between-us-only",)

@pytest.mark.llmring_cassette
class TestOld(unittest.TestCase):
    def test_it(self):
        async def main():
            async with LLMRing() as ring:
                return await ring.chat(ask("openai:m", "between-us-only"))
        assert asyncio.run(main()).content
""",
    )
    pytester.runpytest("--llmring-record=once").assert_outcomes(passed=1)
    text = (pytester.path / "cassettes" / "test_it" / "TestOld.test_it.json").read_text()
    assert "between-us-only" not in text
    assert len(json.loads(text)["interactions"]) == 1
    pytester.runpytest().assert_outcomes(passed=1)


# ---------------------------------------------------------------------- the network

CALLS = """
def call(url="http://192.0.2.1/v1", timeout=20):
    async def main():
        async with LLMRing(timeout=timeout, policy=Policy(retry=RetryPolicy(attempts=1))) as ring:
            ring.register_provider("openai", api_key="any-key-at-all", base_url=url)
            await ring.chat(ask("openai:m"))
    asyncio.run(main())

def test_refused(llmring_simulator):
    call(llmring_simulator.base_url("openai"))
    with pytest.raises(ConfigurationError, match="network is refused"):
        call()

@pytest.mark.llmring_network
def test_allowed():
    with pytest.raises((ProviderTimeoutError, ProviderConnectionError)):
        call(timeout=0.05)
"""


@pytest.mark.parametrize("way", ["option", "setting"])
def test_the_network_can_be_refused_to_all_tests_but_some(pytester: pytest.Pytester, way: str) -> None:
    write(pytester, CALLS)
    if way == "setting":
        pytester.makeini(f"{INI}llmring_refuse_network = true\n")
        pytester.runpytest().assert_outcomes(passed=2)
    else:
        pytester.runpytest("--llmring-refuse-network").assert_outcomes(passed=2)


def test_without_the_switch_nothing_is_refused(pytester: pytest.Pytester) -> None:
    write(pytester, CALLS)
    pytester.runpytest("-k", "test_refused").assert_outcomes(failed=1, deselected=1)


def test_the_examples_of_the_page_pass(pytester: pytest.Pytester, provider: Simulator) -> None:
    [example] = [
        block
        for block in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if "def test_" in block
    ]
    llmring_lockfile.bind(pytester.path / "llmring.lock", "assistant", "openai:gpt-5-mini", create=True)
    (pytester.path / "test_example.py").write_text(example)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "a-real-key")
        pytester.runpytest("--llmring-record=once").assert_outcomes(passed=3)
    provider.requests.clear()
    pytester.runpytest("--llmring-refuse-network").assert_outcomes(passed=3)
    assert provider.requests == []


# ---------------------------------------------------------------------- those who do not use it


def test_a_suite_that_does_not_use_it_loads_nothing_of_llmring(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_it(request):\n    assert request.config.pluginmanager.hasplugin('llmring')"
    )
    code = (
        "import sys, pytest; code = pytest.main(['-q', '--strict-markers']); "
        "print('loaded:', *[name for name in sys.modules if name.startswith(('llmring', 'msgspec', 'aiohttp'))]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded: llmring_pytest"


def test_it_can_be_left_out_and_says_what_it_has(pytester: pytest.Pytester) -> None:
    pytester.runpytest("-p", "no:llmring", "--strict-markers").assert_outcomes()
    pytester.runpytest("--markers").stdout.fnmatch_lines(
        ["@pytest.mark.llmring_cassette*", "@pytest.mark.llmring_network*"]
    )
    pytester.runpytest("--help").stdout.fnmatch_lines(["*--llmring-record=*", "*--llmring-refuse-network*"])
    pytester.runpytest("--fixtures").stdout.fnmatch_lines(["ring *", "fake_provider *"])
