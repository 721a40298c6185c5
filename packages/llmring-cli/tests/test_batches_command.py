"""The commands ``batch submit``, ``poll``, ``results`` and ``cancel``."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from llmring.testing import Answer, BatchRule, Rule, Script, Simulator

Run = Callable[..., tuple[int, str, str]]
SCHEMAS = Path(__file__).parent / "schemas"
QUESTIONS = (
    b'{"prompt": "What is up?"}\n'
    b"\n"
    b'{"key": "down", "messages": [{"role": "user", "content": "What is down?"}], "max_tokens": 9}\n'
    b"not JSON\n"
    b'{"prompt": "Where?", "model": "google:gemini-2.5-flash"}\n'
)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    rules = (Rule(answer=Answer(text="There.")),)
    with Simulator(Script(rules, (BatchRule(looks=1),))) as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


@pytest.fixture
def questions(folder: Path) -> Path:
    path = folder / "questions.jsonl"
    path.write_bytes(QUESTIONS)
    return path


def check(schema: str, document: object) -> None:
    Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(document)


@pytest.mark.usefixtures("questions")
def test_a_job_is_submitted_looked_at_and_read(llmring: Run, simulator: Simulator) -> None:
    submit = ("batch", "submit", "questions.jsonl", "job.json", "-m", "openai:gpt-4o-mini")
    code, out, err = llmring(*submit)
    assert (code, out) == (1, "")
    assert err.startswith("submitted 3 rows in 2 batches\nerror: row line 4: line 4: ")
    code, out, err = llmring("batch", "results", "job.json")
    assert (code, out) == (1, "")
    assert err == "the job has not ended; llmring batch poll shows its state, --wait waits for it\n"
    code, out, err = llmring("batch", "poll", "job.json")
    assert (code, err) == (0, "")
    assert sorted(line.split("\t")[1:4] for line in out.splitlines()) == [
        ["google:gemini-2.5-flash", "1", "completed"],
        ["openai:gpt-4o-mini", "2", "completed"],
    ]
    code, out, err = llmring("batch", "results", "job.json")
    assert (code, err) == (1, "")  # for the line that is no JSON
    lines = {line["key"]: line for line in map(json.loads, out.splitlines())}
    assert lines.keys() == {"line 1", "down", "line 4", "line 5"}
    assert lines["line 4"]["error"]["type"] == "ValidationError"
    assert lines["down"]["content"] == "There."
    assert lines["down"]["usage"]["service_tier"] == "batch"
    assert lines["down"]["cost"] > 0
    answer = json.loads(llmring(*submit, "--json")[1])
    assert (answer["rows"], list(answer["refused"])) == (4, ["line 4"])
    assert len(list(simulator.batches)) == 2  # nothing was submitted again
    check("batch-submit", answer)
    check("batch-poll", json.loads(llmring("batch", "poll", "job.json", "--json")[1]))


@pytest.mark.usefixtures("simulator", "questions")
def test_a_job_is_cancelled(llmring: Run) -> None:
    llmring("batch", "submit", "questions.jsonl", "job.json", "-m", "anthropic:claude-haiku-4-5")
    answer = json.loads(llmring("batch", "cancel", "job.json", "--json")[1])
    states = {batch["model"].partition(":")[0]: batch["state"] for batch in answer["batches"]}
    assert states == {"anthropic": "cancelling", "google": "running"}  # which has no word for it
    check("batch-cancel", answer)


@pytest.mark.usefixtures("simulator")
def test_a_handle_that_is_none_is_refused(llmring: Run, folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    for arguments in (("poll", "notes.txt"), ("results", "nosuch.json"), ("cancel", "notes.txt")):
        code, out, err = llmring("batch", *arguments)
        assert (code, out) == (1, "")
        assert err.startswith("error: ")
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.usefixtures("simulator")
def test_requests_are_not_read_through_a_link_that_leads_out_of_the_folder(
    llmring: Run, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    victim = tmp_path_factory.mktemp("home") / "secret.jsonl"
    victim.write_bytes(b'{"prompt": "secret"}')
    (folder / "questions.jsonl").symlink_to(victim)
    code, _, err = llmring("batch", "submit", "questions.jsonl", "job.json", "-m", "openai:gpt-4o")
    assert code == 1
    assert "leads out of this folder" in err


@pytest.mark.usefixtures("simulator")
def test_requests_come_from_standard_input_or_from_a_file_that_there_is(llmring: Run) -> None:
    submit = ("batch", "submit", "-", "job.json", "-m", "openai:gpt-4o-mini")
    code, _, err = llmring(*submit, stdin='{"prompt": "What is up?"}\n')
    assert (code, err) == (0, "submitted 1 rows in 1 batches\n")
    code, _, err = llmring("batch", "submit", "nosuch.jsonl", "other.json", "-m", "openai:gpt-4o-mini")
    assert (code, err) == (1, "error: cannot read nosuch.jsonl: No such file or directory\n")
