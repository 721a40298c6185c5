"""The files of a repository that are read."""

import os
from pathlib import Path

import pytest
from llmring_cli._output import CommandError
from llmring_cli.scanner.sources import LARGEST, read_repository


def write(root: Path, *names: str, text: str = "x") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(root: Path, *, below: Path | None = None, exclude: tuple[str, ...] = ()) -> list[str]:
    return [
        file.path.relative_to(below or root).as_posix() for file in read_repository(root, exclude=exclude)
    ]


def test_dependencies_generated_files_and_lockfiles_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".env", ".github/workflows/a.yml", "src/a.py", "b.js")
    write(
        tmp_path,
        ".git/config",
        "node_modules/a.js",
        "vendor/a.go",
        ".venv/a.py",
        "b.min.js",
        "uv.lock",
        "llmring.lock",
    )
    assert names(tmp_path) == [".env", ".github/workflows/a.yml", "b.js", "src/a.py"]


def test_ignored_files_are_left_out_as_git_does(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(tmp_path, ".gitignore", text="*.log\nout/\n!keep.log\n/top.py\n")
    write(tmp_path, "sub/.gitignore", text="!special.log\nlocal.py\n")
    write(
        tmp_path,
        "a.log",
        "keep.log",
        "out/a.py",
        "top.py",
        "sub/top.py",
        "sub/special.log",
        "sub/b.log",
        "sub/local.py",
    )
    shown = [name for name in names(tmp_path) if not name.endswith(".gitignore")]
    assert shown == ["keep.log", "sub/special.log", "sub/top.py"]
    assert [name for name in names(tmp_path / "sub") if name != ".gitignore"] == ["special.log", "top.py"]


def test_rules_that_git_would_not_take_and_those_made_to_take_long_mean_nothing(tmp_path: Path) -> None:
    odd = ["!", "\\", "a\\", "[z-a]", "[[x]", f"{'*a' * 20}b", "**/a/**/a/**/a/**/b", "\udcff", "*.log"]
    (tmp_path / ".gitignore").write_bytes("\n".join(odd).encode(errors="surrogateescape"))
    write(tmp_path, "a" * 200, "b.log", "z.py")
    assert names(tmp_path) == [".gitignore", "a" * 200, "z.py"]


def test_a_pattern_of_the_command_line_that_is_none_is_an_error(tmp_path: Path) -> None:
    for pattern in ("!", "[z-a]"):
        with pytest.raises(CommandError, match="--exclude"):
            names(tmp_path, exclude=(pattern,))


def test_rules_above_the_repository_mean_nothing(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="*.py\n")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    write(tmp_path, "repo/a.py")
    assert names(tmp_path / "repo") == ["a.py"]


def test_patterns_of_the_command_line_leave_out_more(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "tests/b.py", "docs/c.md")
    assert names(tmp_path, exclude=("tests/", "*.md")) == ["a.py"]


def test_a_file_that_is_named_is_read_whatever_the_rules(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="*")
    write(tmp_path, "a.py")
    assert [file.text for file in read_repository(tmp_path / "a.py")] == ["x"]


def test_binary_files_are_left_out_and_large_ones_are_listed(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"gpt-4o\0")
    (tmp_path / "b.json").write_bytes(b" " * (LARGEST + 1))
    (tmp_path / "c.py").write_bytes(b"x\r\n\xff")
    files = list(read_repository(tmp_path))
    assert [(file.path.name, file.text, file.problem) for file in files] == [
        ("b.json", None, "larger than 1 MiB"),
        ("c.py", "x\n\ufffd", None),
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_links_lead_nowhere_and_pipes_keep_nobody_waiting(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    write(outside, "secret.py", ".gitignore", text="*.py")
    write(root, "a.py")
    (root / "secret.py").symlink_to(outside / "secret.py")
    (root / "folder").symlink_to(outside)
    (root / "circle").symlink_to("circle")
    (root / ".gitignore").symlink_to(outside / ".gitignore")
    os.mkfifo(root / "pipe.py")
    assert [(file.path.name, file.problem) for file in read_repository(root)] == [
        ("a.py", None),
        ("circle", "cannot be read"),
        ("pipe.py", "cannot be read"),
    ]
