"""embed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., tuple[int, str, str]]
EMBED = ("embed", "-m", "sim:demo", "--dimensions", "3")


def rows(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_each_text_is_a_line_with_its_vector(llmring: Run) -> None:
    code, out, err = llmring(*EMBED, "a cat", "a dog")
    assert (code, err) == (0, "")
    assert [(row["index"], row["text"], len(row["embedding"])) for row in rows(out)] == [
        (0, "a cat", 3),
        (1, "a dog", 3),
    ]


def test_lines_of_standard_input_are_texts_and_empty_ones_are_none(llmring: Run) -> None:
    code, out, _ = llmring(*EMBED, stdin="one\n\n two\n")
    assert code == 0
    assert [row["text"] for row in rows(out)] == ["one", " two"]


def test_a_file_is_one_text_and_goes_by_its_name(llmring: Run) -> None:
    Path("a.txt").write_text("a cat\nand a dog")
    (row,) = rows(llmring(*EMBED, "--file", "a.txt")[1])
    assert row["file"] == "a.txt"
    assert "text" not in row
    assert row["embedding"] == rows(llmring(*EMBED, "a cat and a dog")[1])[0]["embedding"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--file", "absent.txt"), "cannot read absent.txt"),
        (("--file", "blob"), "cannot embed blob: it is not text"),
        (("",), r"input[0] is empty"),
    ],
)
def test_what_cannot_be_embedded_is_explained(
    llmring: Run, arguments: tuple[str, ...], complaint: str
) -> None:
    Path("blob").write_bytes(b"\xff\xfe\x00")
    code, out, err = llmring(*EMBED, *arguments)
    assert (code, out) == (1, "")
    assert complaint in err


def test_no_text_at_all_is_explained(llmring: Run) -> None:
    code, _, err = llmring(*EMBED, stdin="")
    assert code == 1
    assert "input is empty" in err


def test_verbose_reports_what_it_took(llmring: Run) -> None:
    _, _, err = llmring(*EMBED, "a cat", "--verbose")
    assert err == "sim:demo: 1 vectors of 3 dimensions, tokens: 3, cost: $0.000000\n"
