"""A model's name with slashes and colons in every command that takes or shows one."""

from pathlib import Path

import pytest
from llmring import ModelRef
from llmring.usage import UsageLog
from llmring_cli import run
from records import record

MODEL = "openrouter:meta-llama/llama-4:free"
COMMANDS = [
    (("bind", "other", MODEL), ""),
    (("bind", "other", f"sim:demo,{MODEL}"), ""),
    (("aliases",), f"fast\t{MODEL}\n"),
    (("aliases", "--verbose"), MODEL),
    (("lock", "check"), ""),
    (("lock", "explain", MODEL), "a direct reference to a model of openrouter"),
    (("lock", "explain", "fast"), MODEL),
    (("lock", "update", "--offline"), ""),
    (("lock", "audit", "--offline"), ""),
    (("lock", "upgrade", "--offline"), ""),
    (("lock", "bump-registry", "--offline"), ""),
    (("lock", "stubs"), '"fast"'),
    (("lock", "scan", "."), ""),
    (("stats", "--by", "model"), MODEL),
    (("export", "--format", "csv"), ",openrouter,meta-llama/llama-4:free,"),
    (("unbind", "fast"), ""),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LLMRING_USAGE_LOG", str(tmp_path / "usage.sqlite"))
    assert run(["bind", "fast", MODEL]) == 0
    log = UsageLog(tmp_path / "usage.sqlite")
    log(record(model=ModelRef.parse(MODEL), alias="fast"))
    log.close()
    return tmp_path


@pytest.mark.parametrize(("arguments", "shown"), COMMANDS, ids=str)
def test_it_is_one_name(arguments: tuple[str, ...], shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code = run(arguments)
    out, err = capsys.readouterr()
    assert (code, "error:" in err) == (0, False), err
    assert shown in out


@pytest.mark.parametrize("name", [MODEL, "fast"])
def test_facts_are_looked_up_by_the_whole_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["info", name])
    assert MODEL in "".join(capsys.readouterr())


def test_it_is_a_provider_and_the_rest() -> None:
    ref = ModelRef.parse(MODEL)
    assert (ref.provider, ref.model, str(ref)) == ("openrouter", "meta-llama/llama-4:free", MODEL)
