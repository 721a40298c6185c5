"""What the READMEs show is run, against the simulated model."""

import re
from pathlib import Path

import llmring_lockfile
import pytest

ROOT = Path(__file__).parents[1]
READMES = sorted([*ROOT.glob("*.md"), *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")])
BLOCKS = [
    pytest.param(block, id=f"{readme.relative_to(ROOT)}-{number}")
    for readme in READMES
    if readme.name != "ray-and-dask.md"  # which tests/cluster runs
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", readme.read_text(), re.MULTILINE | re.DOTALL)
    )
]
HOME = "https://github.com/juanre/llmring/blob/main/"
ALIASES = ("assistant", "summarizer")


@pytest.mark.parametrize("block", BLOCKS)
def test_a_python_example_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for alias in ALIASES:
        llmring_lockfile.bind("llmring.lock", alias, "sim:demo", create=True)
    exec(compile(block, "README", "exec"), {"__name__": "example"})  # noqa: S102 - our own documents


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_inside_the_repository_lead_somewhere(readme: Path) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", readme.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = prose.replace(f"]({HOME}", f"]({ROOT}/")
    for file, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        target = readme.parent / file if file else readme
        assert target.exists(), file
        assert not heading or heading in anchors(target), heading


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_example_names_a_relative_usage_log_which_is_refused(readme: Path) -> None:
    assert not re.findall(r"LLMRING_USAGE_LOG=(?![/~$])\S+", readme.read_text())


@pytest.mark.parametrize(
    "readme", sorted(ROOT.glob("packages/*/README.md")), ids=lambda path: path.parent.name
)
def test_a_page_that_an_index_shows_has_no_relative_link(readme: Path) -> None:
    assert not re.findall(r"\]\((?!https?:|#)[^)]*\)", readme.read_text())


def anchors(document: Path) -> set[str]:
    """What GitHub makes of the headings: lower case, without punctuation, with hyphens for blanks."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_first_commands_of_the_readme_are_one_line_each() -> None:
    commands = re.findall(r"^    (python3 .*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(commands) == 2
    assert "llmring chat" in commands[0]
    assert commands[1].endswith("tests/check")


def test_ci_runs_the_command_that_the_readme_tells_people_to_run() -> None:
    command = re.findall(r"^    (python3 .*tests/check)$", (ROOT / "README.md").read_text(), re.MULTILINE)[0]
    assert command in (ROOT / ".ci" / "run").read_text()
