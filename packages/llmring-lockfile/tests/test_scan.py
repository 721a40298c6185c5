import os
import sys
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
        ('ring.pool(alias_or_model="fast"); ring.facts("deep")', ["fast", "deep"]),
        ('self._ring.pool("fast"); my_ring.facts(model="deep")', ["fast", "deep"]),
        ('with LLMRing.sync() as llm:\n    llm.pool("fast")', ["fast"]),
        ('async def f(llm: llmring.LLMRing):\n    llm.facts("fast")', ["fast"]),
        ('class A:\n    llm: LLMRing\n    def f(self): return self.llm.pool("fast")', ["fast"]),
        ('from multiprocessing import pool\nthreads.pool(4); string.pool("x"); facts("x"); x().pool("y")', []),
        ('ring.ask("Hi", model="fast"); ring.ask("Hi"); ring.ask("Hi", **options)', ["fast", "default", None]),
        ('dialog.ask("Hi", model="fast"); ask("Hi")', []),
        ('ring.chat_with_nobody("fast"); ring.get_no_info("fast")', []),
        ('has_alias(lockfile, "fast"); require_aliases(lockfile, ["deep"], context="x")', ["fast", "deep"]),
        ("ring.require_aliases(NAMES)", [None]),
        ('if ring.has_alias(alias="fast"): pass', ["fast"]),
        ('ring.require_aliases(["fast", "deep"], context="x")', ["fast", "deep"]),
        ('require_aliases(lockfile, aliases=("fast", NAME))', ["fast", None]),
        ('async def f():\n    await ring.chat(LLMRequest([], "fast"))', ["fast"]),
        ('print("fast"); dict(model="fast"); ring.bind_alias("fast", "openai:x"); has_alias()', []),
    ],
)  # fmt: skip
def test_uses_are_found_where_an_alias_is_named(code: str, aliases: list[str | None]) -> None:
    assert [use.alias for use in find_uses(code, HERE) or ()] == aliases


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


@pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and devices")
@pytest.mark.parametrize("file", ["pipe.py", "device.py", "nowhere.py", "circle.py", "latin.py", "large.py"])
def test_what_cannot_be_read_as_source_is_listed_and_keeps_nobody_waiting(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    if file == "pipe.py":
        os.mkfifo(path)
    elif file == "latin.py":
        path.write_bytes(b"x = '\xe9'")  # Python refuses it too
    elif file == "large.py":
        with path.open("wb") as sparse:
            sparse.truncate(2**40)
    else:
        path.symlink_to({"device.py": "/dev/zero", "nowhere.py": "absent", "circle.py": "circle.py"}[file])
    (tmp_path / "a.py").write_text('LLMRequest([], "absent")')
    for root in (tmp_path, path):
        found = scan(LOCKFILE, read_sources(root))
        assert found.unread == ((path,) if file != "device.py" or root == path else ())
        assert len(found.missing) == (root == tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")
def test_links_are_not_followed_out_of_the_folder_nor_round_in_circles(tmp_path: Path) -> None:
    source, outside = tmp_path / "src", tmp_path / "outside"
    source.mkdir()
    outside.mkdir()
    (outside / "secret.py").write_text("")
    (source / "a.py").write_text("")
    (source / "b.py").symlink_to("a.py")
    (source / "secret.py").symlink_to(outside / "secret.py")
    (source / "folder").symlink_to(outside)
    (source / "loop").symlink_to(".")
    (source / ".#a.py").symlink_to("kim@host.4711:1700000000")  # a lock of Emacs
    assert [path.name for path, _ in read_sources(source)] == ["a.py", "b.py"]


def test_a_tree_deeper_than_functions_nest_is_read(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(sys.getrecursionlimit()):
        if len(str(folder)) > 3900:
            break
        folder /= "d"
        folder.mkdir()
    (folder / "a.py").write_text("")
    assert [path.name for path, _ in read_sources(tmp_path)] == ["a.py"]
    (folder / "a.py").unlink()
    while folder != tmp_path:  # before pytest does it, with functions that nest
        folder.rmdir()
        folder = folder.parent


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"\xef\xbb\xbfx = 1", "x = 1"), (b"# coding: latin-1\nx = '\xe9'\r\n", "# coding: latin-1\nx = 'é'\n")],
)
def test_source_is_decoded_as_python_does(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    assert list(read_sources(tmp_path)) == [(tmp_path / "a.py", text)]


@pytest.mark.parametrize("code", ["-" * 100_000 + "1", "a" + ".b" * 100_000, "x = \0", "def"])
def test_what_python_cannot_parse_is_listed(code: str) -> None:
    assert scan(LOCKFILE, [(HERE, code)]).unread == (HERE,)
