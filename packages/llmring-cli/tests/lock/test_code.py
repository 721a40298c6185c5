"""stubs and scan."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

SOURCE = 'from llmring import LLMRequest\n\nLLMRequest([], model="fast")\nLLMRequest([], model="fsat")\n'


@pytest.fixture(autouse=True)
def lockfile(llmring: Run) -> None:
    llmring("bind", "fast", "openai:x")
    llmring("bind", "deep", "openai:x", "--profile", "prod")


def test_stubs_are_a_module_with_a_type_of_every_alias(llmring: Run) -> None:
    code, out, err = llmring("lock", "stubs")
    names: dict[str, object] = {}
    exec(out, names)  # noqa: S102 - what was just written
    assert (code, err) == (0, "")
    assert names["Alias"].__args__ == ("deep", "fast")  # type: ignore[attr-defined]


def test_stubs_can_be_kept_to_a_profile_and_named(llmring: Run) -> None:
    out = llmring("lock", "stubs", "--profile", "prod", "--name", "Model")[1]
    assert "Model: TypeAlias" in out
    assert '"fast"' not in out


def test_stubs_are_written_only_when_they_change(llmring: Run, folder: Path) -> None:
    assert llmring("lock", "stubs", "-o", "aliases.py") == (0, "", "wrote aliases.py\n")
    written = (folder / "aliases.py").stat().st_mtime_ns
    assert llmring("lock", "stubs", "-o", "aliases.py") == (0, "", "aliases.py is up to date\n")
    assert (folder / "aliases.py").stat().st_mtime_ns == written


def test_ci_can_check_that_stubs_are_up_to_date(llmring: Run, folder: Path) -> None:
    code, _, err = llmring("lock", "stubs", "-o", "aliases.py", "--check")
    assert code == 1
    assert "llmring lock stubs --output aliases.py" in err
    assert not (folder / "aliases.py").exists()
    llmring("lock", "stubs", "-o", "aliases.py")
    assert llmring("lock", "stubs", "-o", "aliases.py", "--check")[0] == 0


def test_scan_tells_what_is_missing_and_what_nobody_uses(llmring: Run, folder: Path) -> None:
    (folder / "app.py").write_text(SOURCE)
    code, out, err = llmring("lock", "scan")
    assert code == 1
    assert out.splitlines() == [
        "app.py:4:22: error: the alias 'fsat' is not bound",
        "llmring.lock: warning: no code names the alias 'deep'",
    ]
    assert err == "2 uses of aliases, 1 not bound\n"


def test_scan_passes_where_nothing_is_missing(llmring: Run, folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "app.py").write_text(SOURCE)
    (folder / "src" / "good.py").write_text('ring.resolve_alias("fast")\n')
    (folder / "src" / "bad.py").write_text("def\n")
    code, out, _ = llmring("lock", "scan", "src", "--profile", "default")
    assert code == 0
    assert out == "src/bad.py: warning: not valid Python, so it was not read\n"


def test_scan_names_a_source_that_cannot_be_read(llmring: Run, folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "huge.py").touch()
    os.truncate(folder / "src" / "huge.py", 2**30)
    assert llmring("lock", "scan", "src", "--profile", "default")[1].startswith(
        "src/huge.py: warning: cannot be read\n"
    )


def test_scan_as_json(llmring: Run, folder: Path) -> None:
    (folder / "app.py").write_text(SOURCE)
    told = json.loads(llmring("lock", "scan", "app.py", "--json")[1])
    assert told["missing"] == [{"path": "app.py", "line": 4, "column": 22, "alias": "fsat"}]
    assert told["unused"] == ["deep"]
