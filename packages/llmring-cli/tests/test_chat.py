"""chat."""

import json
from collections.abc import Callable

import pytest

Run = Callable[..., tuple[int, str, str]]


def test_without_anything_set_up_the_simulated_model_answers_and_it_is_said(llmring: Run) -> None:
    code, out, err = llmring("chat", "Hello")
    assert code == 0
    assert out.startswith("This is a simulated answer")
    assert "sim:demo answers" in err
    assert "llmring lock init" in err


def test_the_answer_goes_to_standard_output_alone(llmring: Run) -> None:
    llmring("bind", "default", "sim:demo")
    code, out, err = llmring("chat", "Hello")
    assert (code, err) == (0, "")
    assert "Hello" in out
    assert out.endswith("\n")


def test_streamed_it_is_the_same_text(llmring: Run) -> None:
    llmring("bind", "default", "sim:demo")
    assert llmring("chat", "Hello", "--stream") == llmring("chat", "Hello")


@pytest.mark.parametrize("more", [(), ("--stream",), ("--verbose",)])
def test_json_is_one_document_and_nothing_else(llmring: Run, more: tuple[str, ...]) -> None:
    llmring("bind", "helper", "sim:demo")
    code, out, _ = llmring("chat", "Hello", "-m", "helper", "--json", *more)
    answer = json.loads(out)
    assert code == 0
    assert answer["model"] == "sim:demo"
    assert answer["finish_reason"] == "stop"
    assert answer["usage"]["prompt_tokens"] > 0
    assert [attempt["outcome"] for attempt in answer["attempts"]] == ["ok"]


def test_verbose_tells_model_tokens_cost_and_attempts_on_standard_error(llmring: Run) -> None:
    _, out, err = llmring("chat", "Hello", "--model", "sim:demo", "-v")
    lines = dict(line.split(": ", 1) for line in err.splitlines())
    assert lines["model"] == "sim:demo"
    assert lines["cost"] == "$0.000000"
    assert lines["tokens"].endswith(" out")
    assert lines["attempt"].startswith("sim:demo ok in ")
    assert "tokens" not in out


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_message_may_come_from_standard_input(llmring: Run, arguments: tuple[str, ...]) -> None:
    assert (
        "You said: “from a pipe”" in llmring("chat", *arguments, "-m", "sim:demo", stdin="from a pipe\n")[1]
    )


@pytest.mark.parametrize(("arguments", "stdin"), [((), ""), (("-",), " \n"), ((" ",), None)])
def test_an_empty_message_is_an_error(llmring: Run, arguments: tuple[str, ...], stdin: str | None) -> None:
    code, out, err = llmring("chat", *arguments, "-m", "sim:demo", stdin=stdin)
    assert (code, out) == (1, "")
    assert err == 'error: the message is empty: llmring chat "Hello"\n'


def test_max_tokens_reaches_the_model(llmring: Run) -> None:
    _, out, _ = llmring("chat", "Hello", "-m", "sim:demo", "--max-tokens", "3", "--json")
    assert json.loads(out)["finish_reason"] == "length"


def test_the_profile_chooses_the_pool(llmring: Run) -> None:
    llmring("bind", "helper", "sim:first")
    llmring("bind", "helper", "sim:second", "--profile", "prod")
    _, out, _ = llmring("chat", "Hello", "-m", "helper", "--profile", "prod", "--json")
    assert json.loads(out)["model"] == "sim:second"


def test_temperature_and_system_are_sent(
    llmring: Run, monkeypatch: pytest.MonkeyPatch, answering: Callable[[int, object], str]
) -> None:
    _, out, _ = llmring(
        "chat", "Hi", "-m", "sim:demo", "--system", "Be brief.", "--temperature", "0.5", "--json"
    )
    alone = json.loads(llmring("chat", "Hi", "-m", "sim:demo", "--json")[1])["usage"]["prompt_tokens"]
    assert json.loads(out)["usage"]["prompt_tokens"] > alone
