"""Docstrings begin as the field writes them: with an imperative or a noun phrase, not with a question word."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("packages/*/pyproject.toml"))
HOLDING = (*(f"packages/{name}/src" for name in PACKAGES), "tests/support", "tests/benchmarks")
QUESTION = re.compile(
    r"(?:What|Who|Whose|Whom|Which|Whether|Where|How|Why|Whoever|Whatever|Tell|Say why|Take note)\b"
)
"""Also three verbs that the field has others for: return, record."""
STILTED = re.compile(
    r"\b(?:it is said which|(?:is|are) told\b(?! to)|those bound|in vain|whoever (?:gets|wants|asks))"
)


def docstrings(path: Path) -> list[tuple[int, str]]:
    """Those of modules, classes and functions, and the strings below attributes and constants."""
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, documented)]
    found = [(node.body[0].lineno, text) for node in nodes if (text := ast.get_docstring(node))]
    for node in nodes:
        found += [
            (below.lineno, below.value.value)
            for above, below in pairwise(node.body)
            if isinstance(above, ast.Assign | ast.AnnAssign)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ]
    return found


@pytest.mark.parametrize("folder", HOLDING)
def test_docstrings_begin_with_no_question_word_and_use_no_stilted_phrase(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in paths
        for line, text in docstrings(path)
        if QUESTION.match(text) or STILTED.search(text)
    ]
    assert not wrong, "begin with an imperative or a noun phrase:\n" + "\n".join(wrong)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What a provider is.", True),
        ("However long it takes.", False),
        ("Whether it may be tried again.", True),
        ("Return the text; it is said which model wrote it.", True),
        ("Print what callers are told to do.", False),
    ],
)
def test_the_patterns_find_what_they_are_for(text: str, found: bool) -> None:
    assert bool(QUESTION.match(text) or STILTED.search(text)) == found
