from pathlib import Path

import pytest
from llmring_lockfile import parse, read_sources, scan
from llmring_lockfile._scan import find_uses

HERE = Path("app.py")


@pytest.mark.parametrize(
    ("code", "aliases"),
    [
        ('LLMRequest(messages=[], model="fast")', ["fast"]),
        ('llmring.LLMRequest([], "fast")', ["fast"]),
        ("LLMRequest(messages=[])", ["default"]),
        ("LLMRequest(messages=[], model=None)", ["default"]),
        ("LLMRequest(**options)", [None]),
        ("LLMRequest(*options)", [None]),
        ('LLMRequest(*options, model="fast")', ["fast"]),
        ('LLMRequest([], f"fast{x}")', [None]),
        ('LLMRequest([], "fast" if cheap else "deep")', ["fast", "deep"]),
        ('MODEL = "fast"\nLLMRequest([], MODEL)', ["fast"]),
        ('MODEL: str = "fast"\nLLMRequest([], model=MODEL)', ["fast"]),
        ('MODEL = "fast"\nMODEL = "deep"\nLLMRequest([], MODEL)', [None]),
        ("for model in models: LLMRequest([], model)", [None]),
        ('request = LLMRequest([], "fast")\nrequest.model = "deep"\nother.model = "no"', ["fast", "deep"]),
        ('ring.resolve_alias("fast", profile="dev")', ["fast"]),
        ('ring.chat_with_alias(alias_or_model="fast", messages=[])', ["fast"]),
        ('if ring.has_alias(alias="fast"): pass', ["fast"]),
        ('ring.require_aliases(["fast", "deep"], context="x")', ["fast", "deep"]),
        ('require_aliases(lockfile, aliases=("fast", NAME))', ["fast", None]),
        ('async def f():\n    await ring.chat(LLMRequest([], "fast"))', ["fast"]),
        ('print("fast"); dict(model="fast"); ring.bind_alias("fast", "openai:x"); has_alias()', []),
    ],
)  # fmt: skip
def test_uses_are_found_where_an_alias_is_named(code: str, aliases: list[str | None]) -> None:
    assert [use.alias for use in find_uses(code, HERE)] == aliases


LOCKFILE = parse(
    'extends.packages = ["tools"]\n[[profiles.default.bindings]]\nalias = "fast"\nmodels = ["openai:x"]\n'
    '[[profiles.dev.bindings]]\nalias = "idle"\nmodels = ["openai:x"]\n'
)
THEIRS = parse('[[profiles.default.bindings]]\nalias = "t"\nmodels = ["openai:x"]\n')
CODE = """
LLMRequest([], "fast")
LLMRequest([], "absent")
LLMRequest([], "openai:gpt-4o")
LLMRequest([], "tools:t")
LLMRequest([], "tools:u")
LLMRequest([], "idle")
LLMRequest([], name)
"""


def test_uses_are_compared_with_what_is_bound() -> None:
    found = scan(LOCKFILE, [(HERE, CODE), (Path("bad.py"), "def")], packages=lambda _: THEIRS)
    assert [(use.alias, use.line, use.column) for use in found.missing] == [
        ("absent", 3, 16),
        ("tools:u", 6, 16),
    ]
    assert found.unused == ()
    assert [use.line for use in found.dynamic] == [8]
    assert found.unread == (Path("bad.py"),)
    assert len(found.uses) == 5


def test_one_profile_can_be_looked_at() -> None:
    found = scan(LOCKFILE, [(HERE, CODE)], "default", packages=lambda _: THEIRS)
    assert [use.alias for use in found.missing] == ["absent", "tools:u", "idle"]
    assert scan(LOCKFILE, [], "dev").unused == ("idle",)


def test_python_files_are_read_in_order_and_environments_left_out(tmp_path: Path) -> None:
    for name in ("b.py", "a/c.py", ".venv/x.py", "node_modules/x.py", "a/__pycache__/x.py", "a/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}")
    assert [(path.name, text) for path, text in read_sources(tmp_path)] == [
        ("c.py", "# a/c.py"),
        ("b.py", "# b.py"),
    ]
    assert [path.name for path, _ in read_sources(tmp_path / "b.py")] == ["b.py"]
