"""explain."""

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def test_each_step_is_told_with_its_file(llmring: Run, folder: Path) -> None:
    llmring("bind", "fast", "openai:x")
    where = f"({folder / 'llmring.lock'})"
    assert llmring("lock", "explain", "fast") == (
        0,
        f"profile: default, from the default_profile {where}\nbinding: fast in profile default is openai:x {where}\n",
        "",
    )


def test_a_direct_reference_is_itself(llmring: Run) -> None:
    llmring("bind", "fast", "openai:x")
    assert json.loads(llmring("lock", "explain", "sim:demo", "--json")[1])["models"] == ["sim:demo"]


def test_a_name_that_stands_for_nothing_is_told_as_far_as_it_came(llmring: Run) -> None:
    llmring("bind", "fast", "openai:x")
    code, out, err = llmring("lock", "explain", "fsat")
    assert code == 1
    assert out.startswith("profile: default")
    assert "did you mean fast?" in err
    code, out, err = llmring("lock", "explain", "fsat", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out)["models"] == []
    assert "did you mean fast?" in json.loads(out)["error"]
