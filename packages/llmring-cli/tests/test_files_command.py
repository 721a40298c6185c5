"""The commands ``files list`` and ``files rm``."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from llmring import LLMRequest, LLMRing, Message
from llmring.testing import Simulator

Run = Callable[..., tuple[int, str, str]]
SCHEMAS = Path(__file__).parent / "schemas"
MODELS = ("openai:gpt-4o", "anthropic:claude-haiku-4-5", "google:gemini-3-flash")


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    with Simulator() as simulator:
        for name, value in simulator.environment.items():
            monkeypatch.setenv(name, value)
        yield simulator


@pytest.fixture
def kept(simulator: Simulator, folder: Path) -> list[str]:
    """A file that a program has uploaded to three providers; how the command names each copy."""
    (folder / "report.pdf").write_bytes(b"%PDF-1.4\n\xff\xfe\0\n%%EOF\n")
    with LLMRing.sync() as ring:
        file_id = ring.register_file(folder / "report.pdf")
        for model in MODELS:
            ring.chat(LLMRequest([Message.user("Hi")], model=model, files=[file_id]))
    first, second, third = simulator.files
    return [f"openai:{first.id}", f"anthropic:{second.id}", f"google:files/{third.id}"]


def test_what_providers_keep_is_listed_and_deleted(
    llmring: Run, kept: list[str], simulator: Simulator
) -> None:
    code, out, err = llmring("files", "list", "google")
    assert (code, err) == (0, "")
    assert "report.pdf" in out
    rows = json.loads(llmring("files", "list", "google", "--json")[1])
    assert kept[2] in [row["file"] for row in rows]
    assert rows[0]["bytes"] == 19
    code, out, err = llmring("files", "rm", *kept)
    assert (code, out) == (0, "")
    assert err == "".join(f"deleted {each}\n" for each in kept)
    assert list(simulator.files) == []
    code, out, err = llmring("files", "rm", kept[0])
    assert (code, err) == (1, f"there is no {kept[0]}\n")
    answer = json.loads(llmring("files", "rm", kept[0], "--json")[1])
    assert answer == [{"file": kept[0], "deleted": False}]
    for schema, instance in (("files-rm", answer), ("files-list", rows)):
        Draft202012Validator(json.loads((SCHEMAS / f"{schema}.json").read_text())).validate(instance)


def test_without_a_provider_all_that_are_set_up_and_keep_files_are_asked(
    llmring: Run, simulator: Simulator
) -> None:
    code, out, err = llmring("files", "list")
    assert (code, out) == (0, "")
    assert all(name in err for name in ("openai", "anthropic", "google"))
    assert {each.path.partition("?")[0] for each in simulator.requests} >= {"/v1/files"}


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (("list", "nosuch"), 1, "there is no provider 'nosuch'"),
        (("list", "sim"), 1, "sim keeps no files"),
        (("rm",), 2, "files rm needs a file"),
        (("rm", "file-abc"), 2, "write PROVIDER:ID"),
        (("rm", "sim:file-abc"), 1, "sim keeps no files"),
    ],
)
def test_what_cannot_be_done_is_explained(
    llmring: Run, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    found, out, err = llmring("files", *arguments)
    assert (found, out) == (code, "")
    assert complaint in err
