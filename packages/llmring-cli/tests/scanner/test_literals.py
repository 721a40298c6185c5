"""Literals of source files: a small file per language, with what is in it and what only looks like it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llmring_cli.scanner.languages import language_of
from llmring_cli.scanner.literals import literals
from llmring_cli.scanner.names import names_in

CORPUS: list[tuple[str, str, list[str]]] = [
    ("a.py", 'x = "gpt-4o"  # "gpt-4"\ny = r\'o1\'\n', ["1:6 gpt-4o"]),
    ("a.py", '"""Uses gpt-4o."""\ndef f():\n    """gpt-4o"""\n', []),
    ("a.py", 'f"openai/{x}-gpt-4o"\nf"gpt-4o{x}"\n"gpt-4%s" % x\n', []),
    ("a.py", 'x = "gpt-4" "gpt-4o"\ny = """gpt-4o"""\nz = "use gpt-4o here"\n', ["1:6 gpt-4", "1:14 gpt-4o", "2:8 gpt-4o"]),
    ("a.py", 'models: list[str] = [\n    "o1",\n    "o3",\n]\nkinds = ["o1"]\n', ["2:6 o1", "3:6 o3"]),
    ("a.py", 'os.getenv("LLM_MODEL", "o3")\nx = Options("--model", default="o1")\n', ["1:25 o3", "2:33 o1"]),
    ("a.py", "model: str = 'o1'\nid = 'o1'\n", ["1:15 o1"]),
    ("a.py", '{"model": "o1", "kind": "o1"}\n', ["1:12 o1"]),
    ("a.ts", "const m: string = 'gpt-4o'; // 'gpt-4'\nconst t = `gpt-4o`;\n", ["1:20 gpt-4o", "2:12 gpt-4o"]),
    ("a.ts", "const model: string = 'o1';\nconst t = `claude-3-${x}`;\n", ["1:24 o1"]),
    ("a.tsx", '<Chat model="gpt-4o">it\'s gpt-4</Chat>;\n', ["1:14 gpt-4o"]),
    ("a.js", "create({model: 'o1', effort: 'o1'});\n", ["1:17 o1"]),
    ("a.go", 'm := "gpt-4o" // "gpt-4"\nn := `gpt-4`\nModel: "o1",\n', ["1:7 gpt-4o", "2:7 gpt-4", "3:9 o1"]),
    ("A.java", 'String model = "o1"; /* "gpt-4" */\n', ["1:17 o1"]),
    ("a.kt", 'val m = "gpt-4o"\n', ["1:10 gpt-4o"]),
    ("a.rs", 'let m = "gpt-4o"; let r = r#"gpt-4"#; // "o"\n', ["1:10 gpt-4o", "1:30 gpt-4"]),
    ("a.rb", 'm = "gpt-4o"; model = \'o1\'; s = "gpt-#{x}" # "gpt-4"\n', ["1:6 gpt-4o", "1:24 o1"]),
    ("a.php", '<?php $m = "gpt-4o"; $n = [\'model\' => \'o1\']; // "gpt-4"\n', ["1:13 gpt-4o", "1:40 o1"]),
    ("A.cs", 'var m = "gpt-4o"; var n = @"gpt-4"; // "gpt-4"\n', ["1:10 gpt-4o", "1:29 gpt-4"]),
    ("a.swift", 'let m = "gpt-4o"\n', ["1:10 gpt-4o"]),
    ("a.c", 'char *m = "gpt-4o"; /* "gpt-4" */\n', ["1:12 gpt-4o"]),
    ("a.ex", 'm = "gpt-4o"\n', ["1:6 gpt-4o"]),
    ("a.r", 'm <- "gpt-4o"\n', ["1:7 gpt-4o"]),
    ("a.sql", "insert into m values ('gpt-4o'); -- 'gpt-4'\n", ["1:24 gpt-4o"]),
    ("a.sh", "ask --model o1 --size o1 # gpt-4\nMODEL=gpt-4o ask\n", ["1:13 o1", "2:7 gpt-4o"]),
    ("a.sh", "curl -d '{\"model\": \"gpt-4o\"}' $URL\n", ["1:21 gpt-4o"]),
    ("run", '#!/bin/sh\nMODEL="gpt-4o"\n', ["2:8 gpt-4o"]),
    (".env.example", "OPENAI_MODEL=gpt-4o\n# OPENAI_MODEL=gpt-4\nX=o1\n", ["1:14 gpt-4o"]),
    ("Dockerfile", "ENV MODEL=gpt-4o\n# gpt-4\n", ["1:11 gpt-4o"]),
    ("Makefile", "MODEL = gpt-4o\n", ["1:9 gpt-4o"]),
    ("a.ini", "[a]\nmodel = gpt-4o\n; model = gpt-4\n", ["2:9 gpt-4o"]),
    ("a.yaml", 'model: o1\nx: llama3:8b # gpt-4\nk: "gpt-4"\nz: o1\n', ["1:8 o1", "2:4 llama3:8b", "3:5 gpt-4"]),
    ("a.yaml", "models:\n  - o1\n  - o3\n", ["2:5 o1", "3:5 o3"]),
    ("a.toml", "m = \"gpt-4o\" # \"gpt-4\"\nmodel = 'o1'\n[prices.\"gpt-4\"]\n", ["1:6 gpt-4o", "2:10 o1", "3:10 gpt-4"]),
    ("a.json", '{"model": "o1", "gpt-4": {"in": "o1"}}\n', ["1:12 o1", "1:18 gpt-4"]),
    ("a.tf", 'm = "gpt-4o" # gpt-4\n', ["1:6 gpt-4o"]),
    ("a.md", "Use gpt-4o, or `gpt-4o`.\n\n```python\nm = 'gpt-4'  # gpt-4\n```\n\n~~~odd\ngpt-4\n~~~\n", ["1:17 gpt-4o", "4:6 gpt-4"]),
    ("a.md", "```console\n$ ask --model o1\n", ["2:15 o1"]),
    ("a.rst", "gpt-4 or ``gpt-4``\n\n.. code-block:: python\n\n   x = 'gpt-4o'\n", ["1:12 gpt-4", "5:9 gpt-4o"]),
    ("a.txt", "gpt-4o\n", []),
    ("a.unknown", "'gpt-4o'\n", []),
]  # fmt: skip
NOTEBOOK = """{
 "metadata": {"language_info": {"name": "python"}},
 "cells": [
  {"cell_type": "markdown", "source": ["About gpt-4: `gpt-4o`"]},
  {"cell_type": "code", "outputs": [{"text": "'gpt-4'"}], "source": [
    "x = 1\\n",
    "model = \\"o1\\"  # 'gpt-4'"
  ]},
  {"cell_type": "code", "source": "y = 'gpt-4.1'"}
 ]
}
"""


def found_in(name: str, text: str) -> list[str]:
    return [
        f"{literal.place.line}:{literal.place.column + at} {written}"
        for literal in literals(Path(name), text)
        for at, written, _ in names_in(literal.text, literal.before)
    ]


@pytest.mark.parametrize(("name", "text", "expected"), CORPUS)
def test_names_are_found_in_strings_and_values_and_nowhere_else(
    name: str, text: str, expected: list[str]
) -> None:
    assert found_in(name, text) == expected


def test_cells_of_a_notebook_are_read_and_outputs_are_not() -> None:
    found = found_in("a.ipynb", NOTEBOOK)
    assert [one.split()[1] for one in found] == ["gpt-4o", "o1", "gpt-4.1"]
    assert [one.partition(":")[0] for one in found] == ["4", "7", "9"]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_word_of_a_notebook_has_its_place_whatever_is_escaped_before_it(ascii_only: bool) -> None:
    lines = ["# \U0001f600 \\ o1\n", 'a = "é\\t", "o1"\n', 'b = ["gpt-5", "gpt-5"]\n']
    code = {"cell_type": "code", "source": lines, "outputs": ["gpt-5"]}
    again = {"cell_type": "code", "source": "".join(lines), "outputs": []}
    text = json.dumps({"cells": [code, again], "metadata": {}}, ensure_ascii=ascii_only)
    found = [one for one in literals(Path("a.ipynb"), text) if "-5" in one.text or one.text == "o1"]
    assert [text[one.place.column - 1 :][: len(one.text)] for one in found] == ["o1", "gpt-5", "gpt-5"] * 2
    assert len({one.place.column for one in found}) == 6


code = st.text(
    st.sampled_from(["a", "=", " ", '"', "'", "`", "\\", "\n", "é", "\U0001f600", "/"]), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(code, max_size=3), max_size=3), st.sampled_from(["code", "markdown"]), st.booleans())
def test_any_notebook_is_read_also_one_with_two_sources_in_a_cell(
    sources: list[list[str]], kind: str, ascii_only: bool
) -> None:
    cells = [{"cell_type": kind, "source": source} for source in sources]
    text = json.dumps({"cells": cells}, ensure_ascii=ascii_only).replace(
        '"source"', '"source": "a", "source"', 1
    )
    for literal in literals(Path("a.ipynb"), text):
        assert literal.place.column <= len(text) + 1


@pytest.mark.parametrize("text", ["", "[]", '{"cells": 1}', '{"cells": [{"source": [1]}]}', "{" * 9])
def test_what_is_no_notebook_has_no_literals(text: str) -> None:
    assert found_in("a.ipynb", text) == []


def test_the_rest_of_the_line_comes_with_a_literal() -> None:
    (literal,) = literals(Path("a.py"), 'x = "gpt-4o"  # why\ny = 1\n')
    assert (literal.before, literal.after) == ('x = "', '"  # why')


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [("a.PY", "", "python"), ("tool", "#!/usr/bin/env node\n", "javascript"), ("tool", "#!/bin/awk\n", None)],
)
def test_a_language_is_told_by_the_name_or_the_program(name: str, text: str, language: str | None) -> None:
    assert language_of(Path(name), text) == language


def test_a_string_of_many_pieces_takes_time_in_proportion() -> None:
    text = "x = '''" + "\\n\n" * 20_000 + "'''\n"
    assert len(list(literals(Path("a.py"), text))) == 1
