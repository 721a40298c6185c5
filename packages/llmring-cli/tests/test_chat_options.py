"""Options of chat: templates, forms of answers, parameters, attachments, and what becomes of the answer."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring.testing import Answer, Rule, Script
from llmring_cli.chat.delivery import first_block
from llmring_cli.chat.templates import json_values
from simulated import Simulated

Run = Callable[..., tuple[int, str, str]]
CHAT = ("chat", "-m", "openai:gpt-4o")
BLOCKS = "Here:\n\n```python\nprint(1)\n```\n\nor\n\n~~~\nprint(2)\n~~~\n"


def own_templates(**texts: str) -> None:
    folder = Path.home() / ".config" / "llmring" / "templates"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.toml").write_text(text)


def test_a_template_takes_the_message_and_variables(llmring: Run, simulated: Simulated) -> None:
    own_templates(translate='prompt = "Into {language}: {input}"\nsystem = "You write {language}."\n')
    assert llmring(*CHAT, "Hi", "-t", "translate", "-p", "language=French")[0] == 0
    sent = simulated.requests[-1].json["messages"]
    assert [message["content"] for message in sent] == ["You write French.", "Into French: Hi"]


@pytest.mark.parametrize("prompt", ["Into {language}", "{% if language %}In {{ language }}{% endif %}"])
def test_a_value_for_a_variable_that_a_template_lacks_is_refused(
    llmring: Run, simulated: Simulated, prompt: str
) -> None:
    own_templates(translate=f'prompt = "{prompt}"\ndefaults = {{ language = "English" }}\n')
    assert llmring(*CHAT, "-t", "translate", "-p", "language=French")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"].endswith("French")
    code, out, err = llmring(*CHAT, "-t", "translate", "-p", "langage=French")
    assert (code, out) == (1, "")
    assert err == "error: the template has no variable 'langage'; did you mean language?\n"
    assert len(simulated.requests) == 1


def test_a_template_may_be_the_whole_message_and_have_defaults(llmring: Run, simulated: Simulated) -> None:
    own_templates(joke='prompt = "A joke about {topic}."\ndefaults = { topic = "cats" }\n')
    assert llmring(*CHAT, "-t", "joke")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"] == "A joke about cats."


def test_a_message_without_a_place_follows_the_prompt(llmring: Run, simulated: Simulated) -> None:
    own_templates(review='prompt = "Review this."\n')
    assert llmring(*CHAT, "-t", "review", stdin="a diff")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"] == "Review this.\n\na diff"


def test_a_template_chooses_model_and_form_and_the_command_line_comes_first(
    llmring: Run, simulated: Simulated
) -> None:
    own_templates(
        dog='prompt = "A dog"\nmodel = "openai:gpt-4o"\nschema = "name"\nmax_tokens = 7\ntemperature = 1\n'
    )
    assert llmring("chat", "-t", "dog", "--temperature", "0.5")[0] == 0
    sent = simulated.requests[-1].json
    assert (sent["model"], sent["temperature"]) == ("gpt-4o", 0.5)
    assert list(sent["response_format"]["json_schema"]["schema"]["properties"]) == ["name"]


def test_the_users_own_template_comes_before_that_of_the_repository(
    llmring: Run, simulated: Simulated, folder: Path
) -> None:
    own_templates(mine='prompt = "mine"\n')
    (folder / ".llmring" / "templates").mkdir(parents=True)
    for name in ("mine", "theirs"):
        (folder / ".llmring" / "templates" / f"{name}.toml").write_text('prompt = "theirs"\n')
    for name in ("mine", "theirs"):
        assert llmring(*CHAT, "-t", name)[0] == 0
        assert simulated.requests[-1].json["messages"][-1]["content"] == name


def test_a_template_beside_the_lockfile_is_found_from_a_folder_below(
    llmring: Run, simulated: Simulated, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".git").mkdir()
    llmring("bind", "default", "openai:gpt-4o")
    (folder / ".llmring" / "templates").mkdir(parents=True)
    (folder / ".llmring" / "templates" / "hello.toml").write_text('prompt = "Hello"\n')
    (folder / "src").mkdir()
    monkeypatch.chdir(folder / "src")
    assert llmring("chat", "-t", "hello")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"] == "Hello"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prompt = ", "cannot read the template"),
        ('prompt = "x"\ntools = ["os:system"]\n', "unknown field"),
        ('prompt = "{nothing}"\n', "the template needs a value for 'nothing': --param 'nothing=…'"),
        ('prompt = "x"\nschema = "city.json"\n', "is no field"),
    ],
)
def test_a_template_with_a_mistake_is_named(llmring: Run, text: str, message: str) -> None:
    own_templates(odd=text)
    code, out, err = llmring(*CHAT, "-t", "odd")
    assert (code in (1, 2), out) == (True, "")
    assert message in err


@pytest.mark.skipif(os.name != "posix", reason="links are made in POSIX's way")
def test_a_template_of_the_repository_that_leads_out_of_it_is_refused(
    llmring: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.toml"
    outside.write_text('prompt = "secret"\n')
    (folder / ".llmring" / "templates").mkdir(parents=True)
    (folder / ".llmring" / "templates" / "out.toml").symlink_to(outside)
    code, _, err = llmring(*CHAT, "-t", "out")
    assert code == 1
    assert "leads out of this folder" in err


def test_braces_of_json_are_text(llmring: Run, simulated: Simulated) -> None:
    own_templates(form="""prompt = 'Answer as {"name": 1} or {}'""")
    assert llmring(*CHAT, "-t", "form")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"] == 'Answer as {"name": 1} or {}'


def test_jinja_is_for_the_users_own_templates(llmring: Run, simulated: Simulated, folder: Path) -> None:
    text = "prompt = \"{{ 'x' * 3 }}\"\n"
    own_templates(mine=text)
    (folder / ".llmring" / "templates").mkdir(parents=True)
    (folder / ".llmring" / "templates" / "theirs.toml").write_text(text)
    assert llmring(*CHAT, "-t", "mine")[0] == 0
    assert simulated.requests[-1].json["messages"][-1]["content"] == "xxx"
    code, out, err = llmring(*CHAT, "-t", "theirs")
    assert (code, out, len(simulated.requests)) == (1, "", 1)
    assert "which only templates in your own folder may" in err


def test_a_misspelt_template_is_guessed(llmring: Run) -> None:
    own_templates(translate='prompt = "x"\n')
    assert "did you mean translate?" in llmring(*CHAT, "-t", "transl")[2]
    assert "they are TOML files in" in llmring(*CHAT, "-t", "zzz")[2]


def test_parameters_for_the_provider_are_json_where_they_can_be(llmring: Run, simulated: Simulated) -> None:
    assert llmring(*CHAT, "Hi", "-o", "seed=3", "-o", "user=ada", "--reasoning", "low")[0] == 0
    sent = simulated.requests[-1].json
    assert (sent["seed"], sent["user"]) == (3, "ada")
    assert json_values({"a": "true", "b": "{", "c": '{"d": 1}'}) == {"a": True, "b": "{", "c": {"d": 1}}


@pytest.mark.parametrize(("option", "value"), [("-o", "seed"), ("-p", "=x")])
def test_what_is_no_pair_is_explained(llmring: Run, option: str, value: str) -> None:
    own_templates(any='prompt = "x"\n')
    code, _, err = llmring(*CHAT, "Hi", "-t", "any", option, value)
    assert code != 0
    assert "name=value" in err


def test_a_form_on_one_line_gives_json(llmring: Run) -> None:
    code, out, err = llmring("chat", "A dog", "-m", "sim:demo", "--schema", "name, age int")
    assert (code, err) == (0, "")
    assert set(json.loads(out)) == {"name", "age"}


def test_patterns_addresses_and_piped_bytes_are_attached(
    llmring: Run, simulated: Simulated, folder: Path
) -> None:
    for name in ("b.txt", "a.txt"):
        (folder / name).write_text(name)
    code, _, err = llmring(
        *CHAT, "See", "-a", "*.txt", "-a", "https://example.com/x.png", "--attach", "-", stdin="piped"
    )
    assert (code, err) == (0, "")
    parts = simulated.requests[-1].json["messages"][-1]["content"]
    texts = [part.get("text") or part["image_url"]["url"] for part in parts]
    assert texts == [
        "File a.txt:\n\na.txt",
        "File b.txt:\n\nb.txt",
        "https://example.com/x.png",
        "File stdin:\n\npiped",
        "See",
    ]


def test_a_pattern_that_matches_nothing_is_said(llmring: Run) -> None:
    assert "no file matches *.png" in llmring(*CHAT, "See", "-a", "*.png")[2]


@pytest.mark.parametrize(
    ("text", "block"), [(BLOCKS, "print(1)"), ("no block", "no block"), ("~~~\na\n\nb\n~~~", "a\n\nb")]
)
def test_the_first_block_is_extracted(llmring: Run, simulated: Simulated, text: str, block: str) -> None:
    assert first_block(text) == block
    simulated.script = Script(rules=(Rule(answer=Answer(text=text)),))
    assert llmring(*CHAT, "Code", "--extract") == (0, f"{block}\n", "")


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for a clipboard is a script of the shell")
@pytest.mark.parametrize(("flag", "copied"), [((), BLOCKS), (("--extract",), "print(1)")])
def test_the_answer_is_copied(
    llmring: Run,
    simulated: Simulated,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: tuple[str, ...],
    copied: str,
) -> None:
    simulated.script = Script(rules=(Rule(answer=Answer(text=BLOCKS)),))
    received: list[str] = []
    monkeypatch.setattr("pyperclip.copy", received.append)
    assert llmring(*CHAT, "Code", "--copy", *flag)[0] == 0
    assert received == [copied]


def test_without_a_clipboard_the_answer_is_printed_all_the_same(
    llmring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyperclip  # type: ignore[import-untyped]

    def fail(_: str) -> None:
        raise pyperclip.PyperclipException("no mechanism")

    monkeypatch.setattr("pyperclip.copy", fail)
    code, out, err = llmring("chat", "Hi", "-m", "sim:demo", "--copy")
    assert code == 1
    assert "Hi" in out
    assert "install wl-clipboard or xclip" in err


def test_count_sends_nothing_and_prints_tokens_and_price(llmring: Run, simulated: Simulated) -> None:
    code, out, err = llmring(*CHAT, "How long is this?", "--count", "--max-tokens", "100")
    assert (code, err, simulated.requests) == (0, "", [])
    first, second = out.splitlines()
    assert first.startswith("openai:gpt-4o: about ")
    assert first.endswith("at most 100 out")
    assert second.startswith("from about $")
    document = json.loads(llmring(*CHAT, "How long is this?", "--count", "--json")[1])
    assert document["min_usd"] < document["max_usd"]


def test_count_does_not_invent_a_price(llmring: Run, simulated: Simulated) -> None:
    out = llmring("chat", "Hi", "-m", "openai:no-such-model", "--count")[1]
    assert out.splitlines()[-1] == "the price is not known"
    assert (
        json.loads(llmring("chat", "Hi", "-m", "openai:no-such-model", "--count", "--json")[1])["max_usd"]
        is None
    )


def test_count_needs_no_key_and_names_near_models(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, out, err = llmring(*CHAT, "Hi", "--count")
    assert (code, err) == (0, "")
    assert out.startswith("openai:gpt-4o: about ")
    assert "did you mean" in llmring("chat", "Hi", "-m", "openai:gpt5-mini", "--count")[2]


def test_count_explains_what_cannot_be_asked(llmring: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    code, _, err = llmring("chat", "Hi", "-m", "bedrock:anthropic.claude-haiku-4-5-20251001-v1:0", "--count")
    assert code == 1
    assert "llmring doctor" in err


def test_no_stream_waits_for_the_whole_answer(llmring: Run, simulated: Simulated) -> None:
    assert llmring(*CHAT, "Hi", "--no-stream")[0] == 0
    assert not simulated.requests[-1].json.get("stream")
