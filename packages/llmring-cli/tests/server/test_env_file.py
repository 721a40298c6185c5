"""The file that keeps the server's address and key."""

import os
import subprocess
from pathlib import Path

import pytest
from llmring_cli._output import CommandError
from llmring_cli.server.access import KEY, URL, read_env_file, with_values, write_env_file
from llmring_types.exceptions import ConfigurationError

VALUES = {URL: "http://localhost:9100", KEY: "llmr_pk_new"}
WRITTEN = f"export {URL}=http://localhost:9100\nexport {KEY}=llmr_pk_new\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# mine\nOTHER=1\n", f"# mine\nOTHER=1\n{WRITTEN}"),
        ("OTHER=1", f"OTHER=1\n{WRITTEN}"),
        (f"{KEY}=old\n\n# between\n{URL}=old\n", f"export {KEY}=llmr_pk_new\n\n# between\nexport {URL}=http://localhost:9100\n"),
        (f"\n\nexport {KEY}='old'  # why\n", f"\n\nexport {KEY}=llmr_pk_new\nexport {URL}=http://localhost:9100\n"),
        (f"{KEY}=1\n{KEY}=2\n{URL}=3\n", f"export {KEY}=llmr_pk_new\nexport {URL}=http://localhost:9100\n"),
        (f'{URL}="old\nlines"\nX={KEY}\n', f"export {URL}=http://localhost:9100\nX={KEY}\nexport {KEY}=llmr_pk_new\n"),
        ("this is not an env file\n", f"this is not an env file\n{WRITTEN}"),
    ],
)  # fmt: skip
def test_both_are_set_once_and_everything_else_stays(before: str, after: str) -> None:
    assert with_values(before, VALUES) == after


def test_a_new_file_says_what_it_is() -> None:
    assert with_values("", VALUES).startswith("# The usage server of llmring.")


def test_a_shell_and_dotenv_read_the_same(tmp_path: Path) -> None:
    path, key = tmp_path / ".env.llmring", 'a$HOME"b#c;d&e(f)*~`g!'
    write_env_file(path, {URL: "http://localhost:9100/?a=b&c", KEY: key})
    command = ["sh", "-c", f'. "{path}"; printf "%s\n%s" "${URL}" "${KEY}"']
    by_shell = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    assert by_shell == ["http://localhost:9100/?a=b&c", key]
    assert list(read_env_file(path).values()) == by_shell


@pytest.mark.parametrize("key", ["it's", "back\\slash", "two words", "two\nlines"])
def test_what_they_do_not_read_alike_is_not_written(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigurationError, match=KEY) as error:
        write_env_file(tmp_path / "env", {KEY: key})
    assert key not in str(error.value)
    assert not (tmp_path / "env").exists()


def test_nobody_else_may_read_it_afterwards(tmp_path: Path) -> None:
    path = tmp_path / ".env.llmring"
    before = os.umask(0)
    try:
        write_env_file(path, VALUES)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
        write_env_file(path, VALUES)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [".env.llmring"]


def test_no_folder_is_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no folder"):
        write_env_file(tmp_path / "no" / "env", VALUES)
    assert list(tmp_path.iterdir()) == []


def test_a_link_of_the_users_own_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("OTHER=1\n")
    (tmp_path / "link").symlink_to("real")
    write_env_file(tmp_path / "link", VALUES)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == f"OTHER=1\n{WRITTEN}"


def test_a_link_of_the_working_directory_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").write_text("OTHER=1\n")
    (tmp_path / ".env.llmring").symlink_to("real")
    with pytest.raises(CommandError, match="it is a symbolic link to real"):
        write_env_file(Path(".env.llmring"), VALUES)
    assert (tmp_path / "real").read_text() == "OTHER=1\n"


def test_what_is_no_text_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="cannot read"):
        write_env_file(path, VALUES)
    assert path.read_bytes() == b"\xff\xfe"


def test_a_file_that_is_not_there_sets_nothing(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / "nosuch") == {}
