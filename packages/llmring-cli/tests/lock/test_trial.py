"""upgrade --try: both models are asked, compared, and the lock moves only on a yes or a bar."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llmring_lockfile
import pytest
from jsonschema import Draft202012Validator
from llmring import LLMRequest, LLMRing, Message
from llmring.testing import Answer, Call, Rule, Script, Simulator, Tokens, faults, record
from llmring_cli.trial.trial import Answer as Tried
from llmring_cli.trial.trial import Pair, measures, read_bars

Run = Callable[..., tuple[int, str, str]]
Publish = Callable[..., None]
SCHEMAS = Path(__file__).parents[1] / "schemas"

SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}},
            "required": ["name"],
            "additionalProperties": False,
        },
    },
}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
USAGE = Tokens(prompt_tokens=1000, completion_tokens=100)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    rules = (
        Rule(contains="city", model="tiny-1", answer=Answer(text='{"name": "Oslo"}', usage=USAGE)),
        Rule(contains="city", model="tiny-2", answer=Answer(text='{"name": "Rome"}', usage=USAGE)),
        Rule(contains="form", model="tiny-1", answer=Answer(text='{"name": "Oslo"}', usage=USAGE)),
        Rule(contains="form", model="tiny-2", answer=Answer(text="Oslo, I think", usage=USAGE)),
        Rule(contains="find", answer=Answer(tool_calls=(Call("find"),), usage=USAGE)),
        Rule(contains="fail", model="tiny-2", fault=faults.Status(status=400)),
        Rule(answer=Answer(text="The same.", usage=USAGE)),
    )
    with Simulator(Script(rules)) as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


@pytest.fixture(autouse=True)
def lockfile(llmring: Run, publish: Publish, simulator: Simulator) -> None:
    facts = {"supports_json_schema": True, "supports_json_mode": True}
    publish({"tiny-1": {"is_active": False, **facts}, "tiny-2": facts}, provider="anthropic")
    llmring("bind", "fast", "anthropic:tiny-1")
    llmring("bind", "other", "anthropic:tiny-1")


def prompts(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "prompts.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path.name


def bound() -> str:
    binding = llmring_lockfile.load().profile().binding("fast")
    assert binding is not None
    return str(binding.primary)


def test_both_models_are_asked_every_prompt_once_and_the_cost_is_said_before(
    llmring: Run, folder: Path, simulator: Simulator
) -> None:
    name = prompts(folder, {"prompt": "Hello"}, {"prompt": "Which city?", "max_tokens": 50})
    code, out, err = llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1")
    assert code == 0
    assert len(simulator.requests) == 4
    assert err.startswith("4 requests to anthropic:tiny-1 and anthropic:tiny-2: at most $")
    rows = {row[0]: row for row in (line.split("\t") for line in out.splitlines()) if len(row) == 5}
    assert rows["answered"][1:4] == ["2 of 2", "2 of 2", "100%"]
    assert rows["cost"][3] == "100%"
    assert '2: Which city?\t{"name": "Oslo"}\t{"name": "Rome"}' in out
    assert "1 answer of 2 differ" in err
    assert bound() == "anthropic:tiny-1"


def test_a_bar_that_is_met_moves_the_lock_without_a_question(llmring: Run, folder: Path) -> None:
    name = prompts(
        folder, {"prompt": "Which city?", "response_format": SCHEMA}, {"prompt": "find", "tools": [TOOL]}
    )
    bars = ("--require", "schema=100%", "--require", "tools=95%", "--require", "cost=110%")
    code, out, err = llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1", *bars)
    assert code == 0, out + err
    assert "schema\t1 of 1\t1 of 1\t100%\t>= 100%: met" in out
    assert "tools\t1 of 1\t1 of 1\t100%\t>= 95%: met" in out
    assert bound() == "anthropic:tiny-2"


@pytest.mark.parametrize("row", [{"prompt": "fail"}, {"prompt": "Hello", "max_tokens": "many"}])
def test_a_successor_that_answers_nothing_is_not_written_also_with_yes(
    llmring: Run, folder: Path, row: dict[str, Any]
) -> None:
    code, _, err = llmring("lock", "upgrade", "--try", "--prompts", prompts(folder, row), "--yes")
    assert code == 1
    assert err.endswith("nothing was written: no proposal was tried and met every bar\n")
    assert bound() == "anthropic:tiny-1"


def test_a_bar_that_is_missed_leaves_the_lock_also_with_yes(llmring: Run, folder: Path) -> None:
    name = prompts(folder, {"prompt": "Which form?", "response_format": SCHEMA})
    before = (folder / "llmring.lock").read_bytes()
    code, out, err = llmring(
        "lock", "upgrade", "--try", "--prompts", name, "--require", "schema=100%", "--yes"
    )
    assert code == 1
    assert "schema\t1 of 1\t0 of 1\t0%\t>= 100%: not met" in out
    assert err.endswith("nothing was written: no proposal was tried and met every bar\n")
    assert (folder / "llmring.lock").read_bytes() == before


def test_a_strict_answer_that_breaks_the_schema_is_an_error_of_its_row(llmring: Run, folder: Path) -> None:
    strict = {**SCHEMA, "json_schema": {**SCHEMA["json_schema"], "strict": True}}
    name = prompts(folder, {"prompt": "Which form?", "response_format": strict})
    out = llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1")[1]
    assert "schema\t1 of 1\t0 of 1\t0%" in out
    assert "StructuredOutputError" in out


def test_what_cannot_be_measured_meets_no_bar(llmring: Run, folder: Path) -> None:
    name = prompts(folder, {"prompt": "Hello"})
    code, out, _ = llmring(
        "lock", "upgrade", "--try", "--prompts", name, "--budget", "1", "--require", "schema=100%"
    )
    assert code == 1
    assert "schema\t?\t?\t?\t>= 100%: not met" in out


def test_nothing_that_costs_is_asked_without_leave(llmring: Run, folder: Path, simulator: Simulator) -> None:
    code, _, err = llmring("lock", "upgrade", "--try", "--prompts", prompts(folder, {"prompt": "Hello"}))
    assert code == 1
    assert err.endswith("error: nothing was asked. To allow what it costs: --budget DOLLARS, or --yes\n")
    assert not simulator.requests


def test_rows_above_the_budget_and_rows_that_fail_are_outcomes(llmring: Run, folder: Path) -> None:
    name = prompts(folder, {"prompt": "Hello"}, {"prompt": "fail"}, {"messages": 1})
    document = json.loads(
        llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1", "--json")[1]
    )
    (trial,) = document["trials"]
    schema = json.loads((SCHEMAS / "lock-upgrade.json").read_text())["properties"]["trials"]["items"]
    for part in ("measures", "rows"):
        Draft202012Validator(schema["properties"][part]).validate(trial[part])
    errors = [(row["old"]["error"], row["new"]["error"]) for row in trial["rows"]]
    assert errors[0] == (None, None)
    assert errors[1][0] is None
    assert errors[1][1].startswith("ProviderBadRequestError")
    assert "row 3" in errors[2][0]
    assert not document["written"]
    poor = json.loads(
        llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "0.000001", "--json")[1]
    )
    assert poor["trials"][0]["rows"][0]["new"]["error"].startswith("BudgetExceededError")


def test_lines_of_a_text_file_are_prompts(llmring: Run, folder: Path, simulator: Simulator) -> None:
    (folder / "prompts.txt").write_text("Hello {you}\n\nAgain\n")
    llmring("lock", "upgrade", "fast", "--try", "--prompts", "prompts.txt", "--yes")
    asked = {received.json["messages"][-1]["content"] for received in simulator.requests}
    assert asked == {"Hello {you}", "Again"}
    assert bound() == "anthropic:tiny-2"


def test_requests_of_the_projects_cassettes_are_tried(
    llmring: Run, folder: Path, simulator: Simulator
) -> None:
    with record(folder / "tests" / "cassettes" / "a.json"), LLMRing().sync() as ring:
        for model in ("anthropic:tiny-1", "anthropic:tiny-1", "anthropic:other"):
            ring.chat(LLMRequest([Message(role="user", content="Which city?")], model=model, max_tokens=9))
    (folder / "tests" / "a.json").write_text("no cassette")
    count = len(simulator.requests)
    code, _, err = llmring("lock", "upgrade", "--try", "--budget", "1")
    assert code == 0
    assert "2 requests to anthropic:tiny-1 and anthropic:tiny-2" in err
    tried = simulator.requests[count:]
    assert sorted(received.json["model"] for received in tried) == ["tiny-1", "tiny-2"]
    assert {received.json["max_tokens"] for received in tried} == {9}


def test_without_a_request_nothing_is_tried_or_written(llmring: Run) -> None:
    code, _, err = llmring("lock", "upgrade", "--try", "--yes")
    assert code == 0
    assert "anthropic:tiny-1 is not tried: no cassette has a request to it" in err
    assert "nothing was written" in err
    assert llmring("lock", "upgrade", "--try", "--cassettes", "nosuch")[2] == "error: there is no nosuch\n"


def test_a_recorded_request_that_cannot_be_read_is_a_row_with_an_error(llmring: Run, folder: Path) -> None:
    (folder / "cassettes").mkdir()
    interactions: list[dict[str, Any]] = [
        {
            "provider": provider,
            "request": {"method": "POST", "url": f"https://x{path}", "text": "{"},
            "answer": {},
        }
        for provider, path in (("anthropic", "/v1/messages"), ("openai", "/v1/chat/completions"))
    ]
    for each in interactions:
        each["request"]["headers"] = {"anthropic-version": "2023-06-01"}
    (folder / "cassettes" / "a.json").write_text(json.dumps({"version": 1, "interactions": interactions}))
    document = json.loads(llmring("lock", "upgrade", "--try", "--json")[1])
    ((row,),) = [trial["rows"] for trial in document["trials"]]
    assert "ValidationError" in row["new"]["error"]


def test_prompts_that_are_no_text_are_an_error(llmring: Run, folder: Path) -> None:
    (folder / "prompts.txt").write_bytes(b"\xff\xfe")
    code, _, err = llmring("lock", "upgrade", "--try", "--prompts", "prompts.txt")
    assert (code, err.endswith("cannot read prompts.txt: it is not UTF-8\n")) == (2, True)
    (folder / "empty.csv").write_text("prompt\n")
    assert (
        "is not tried: the file is empty" in llmring("lock", "upgrade", "--try", "--prompts", "empty.csv")[2]
    )


def test_a_system_prompt_and_a_list_of_messages_are_sent_as_they_are(
    llmring: Run, folder: Path, simulator: Simulator
) -> None:
    name = prompts(
        folder,
        {"prompt": "Hi {you}", "system": "Be {brief}."},
        {"messages": [{"role": "user", "content": "One"}]},
    )
    llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1")
    asked = [(received.json.get("system"), received.json["messages"]) for received in simulator.requests]
    assert len(asked) == 4
    assert "Be {brief}." in str(asked)
    assert "Hi {you}" in str(asked)


def test_many_different_answers_are_counted_and_the_first_are_shown(llmring: Run, folder: Path) -> None:
    name = prompts(folder, *({"prompt": f"city {number}"} for number in range(7)))
    out, err = llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1")[1:]
    assert out.count('{"name": "Rome"}') == 5
    assert "7 answers of 7 differ, 2 of them not shown. To see all: --html FILE" in err


def test_a_broken_cassette_is_named(llmring: Run, folder: Path) -> None:
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "a.json").write_text("{")
    assert "cassettes/a.json cannot be read" in llmring("lock", "upgrade", "--try")[2]


@pytest.mark.parametrize(
    "option", [("--prompts", "x"), ("--require", "schema=1"), ("--budget", "1"), ("--html", "x")]
)
def test_options_of_a_trial_need_one(llmring: Run, option: tuple[str, str]) -> None:
    code, _, err = llmring("lock", "upgrade", *option)
    assert (code, err) == (
        2,
        "error: --cassettes, --prompts, --require, --budget and --html are options of --try\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        "schema",
        "schema=",
        "speed=10%",
        "schema=-1",
        "schema=1",
        "schema=-1%",
        "schema=nan",
        "schema=101%",
        "cost=inf",
    ],
)
def test_a_bar_is_a_measure_with_a_percentage(llmring: Run, text: str) -> None:
    code, _, err = llmring("lock", "upgrade", "--try", "--require", text)
    assert code == 2
    assert "with a percentage, such as schema=100%" in err


def test_the_report_has_every_answer_and_nothing_of_it_is_markup(llmring: Run, folder: Path) -> None:
    name = prompts(folder, {"prompt": "<b>city</b>"}, {"prompt": "Hello"})
    llmring("lock", "upgrade", "--try", "--prompts", name, "--budget", "1", "--html", "trial.html")
    text = (folder / "trial.html").read_text()
    assert "&lt;b&gt;city&lt;/b&gt;" in text
    assert "<b>" not in text
    assert "anthropic:tiny-1 → anthropic:tiny-2" in text
    assert text.count("The same.") == 2
    assert "<script" not in text


def pair(old: Tried, new: Tried) -> Pair:
    return Pair(key="1", prompt="", has_schema=False, has_tools=True, old=old, new=new)


def test_measures_compare_rows_that_both_have_answered() -> None:
    pairs = [
        pair(Tried(text="ab", seconds=1.0, cost=0.1), Tried(text="abc", seconds=3.0, cost=0.2)),
        pair(Tried(text="ab", seconds=1.0, cost=0.0), Tried(error="E: x", cost=0.5)),
        pair(Tried(error="E: x"), Tried(text="abc", calls=(("find", "{}"),), seconds=9.0)),
    ]
    bars = read_bars(["latency=299%", "length=150%", "answered=66.6%", "tools=51%"])
    found = {measure.name: measure for measure in measures(pairs, bars)}
    assert {name: measure.percent and round(measure.percent) for name, measure in found.items()} == {
        "answered": 67,
        "schema": None,
        "tools": 50,
        "length": 150,
        "latency": 300,
        "cost": 200,
    }
    assert {name for name, measure in found.items() if not measure.is_met} == {"latency", "tools"}


def test_a_cost_of_nothing_compares_with_nothing_only() -> None:
    free, dear = Tried(text="a", cost=0.0), Tried(text="a", cost=1.0)
    assert [measure.percent for measure in measures([pair(free, free)], {}) if measure.name == "cost"] == [
        100
    ]
    assert [measure.percent for measure in measures([pair(free, dear)], {}) if measure.name == "cost"] == [
        None
    ]
