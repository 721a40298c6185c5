"""Files that reviews of code read."""

from pathlib import Path

from llmring_lockfile import read_files


def test_the_wanted_files_below_a_folder_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a/c.txt", "a/d.bin", "skipped/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    asked: list[tuple[str, bool]] = []

    def is_wanted(path: Path, folder: bool) -> bool:
        asked.append((path.name, folder))
        return path.name != "skipped" if folder else path.suffix == ".txt"

    found = list(read_files(tmp_path, is_wanted))
    assert [(path.relative_to(tmp_path).as_posix(), data) for path, data in found] == [
        ("a/c.txt", b"a/c.txt"),
        ("b.txt", b"b.txt"),
    ]
    assert ("skipped", True) in asked
    assert ("e.txt", False) not in asked


def test_a_file_that_is_named_is_read_and_one_that_is_too_large_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"12345")
    assert list(read_files(path, lambda *_: False)) == [(path, b"12345")]
    assert list(read_files(path, lambda *_: True, largest=4)) == [(path, None)]
