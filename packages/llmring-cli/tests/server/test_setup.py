"""server init, status and key."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from llmring_cli.server.access import masked
from usage_server import UsageServer

Run = Callable[..., tuple[int, str, str]]
Answering = Callable[[int, object], str]

FILE = ".env.llmring"


@pytest.fixture
def url(usage_server: UsageServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The server's address, which the environment does not name."""
    monkeypatch.delenv("LLMRING_SERVER_URL")
    monkeypatch.delenv("LLMRING_API_KEY")
    return usage_server.url


def kept_key(folder: Path) -> str:
    return (folder / FILE).read_text().partition("LLMRING_API_KEY=")[2].strip()


def test_a_server_is_set_up_and_then_used(llmring: Run, folder: Path, url: str) -> None:
    code, out, err = llmring("server", "init", "--server", url)
    key = kept_key(folder)
    assert (code, out) == (0, "")
    assert key.startswith("llmr_pk_")
    assert len(key) == len("llmr_pk_") + 32
    assert "source .env.llmring" in err
    assert key not in err
    code, out, _ = llmring("server", "status")
    assert code == 0
    assert f"key\t{masked(key)} (from .env.llmring), accepted\n" in out
    assert "health\thealthy\n" in out
    assert key not in out


def test_what_is_set_up_already_is_not_replaced_unasked(llmring: Run, folder: Path, url: str) -> None:
    llmring("server", "init", "--server", url)
    before = (folder / FILE).read_text()
    code, _, err = llmring("server", "init", "--server", url)
    assert (code, (folder / FILE).read_text()) == (1, before)
    assert "--force" in err
    assert llmring("server", "init", "--server", url, "--force")[0] == 0
    assert (folder / FILE).read_text() != before


def test_other_lines_of_the_file_stay(llmring: Run, folder: Path, url: str) -> None:
    (folder / ".env").write_text("OTHER=1\n")
    assert llmring("server", "init", "--server", url, "--api-key", "mine", "--env-file", ".env")[0] == 0
    assert (folder / ".env").read_text() == (
        f"OTHER=1\nexport LLMRING_SERVER_URL={url}\nexport LLMRING_API_KEY=mine\n"
    )


def test_nothing_is_written_for_a_server_that_is_not_there(
    llmring: Run, folder: Path, answering: Answering
) -> None:
    gone, unwell = "http://127.0.0.1:9", {"status": "unhealthy", "database": "disconnected"}
    assert llmring("server", "init", "--server", gone)[0] == 3
    code, _, err = llmring("server", "init", "--server", answering(200, unwell))
    assert code == 1
    assert "unhealthy" in err
    code, _, err = llmring("server", "init", "--server", answering(200, ["another", "service"]))
    assert code == 1
    assert "is it a usage server?" in err
    assert llmring("server", "init", "--server", "localhost:9100")[0] == 1
    assert not (folder / FILE).exists()
    assert llmring("server", "init", "--server", gone, "--skip-health-check")[0] == 0
    assert (folder / FILE).exists()


def test_a_whole_key_is_shown_only_when_asked_for(llmring: Run, folder: Path, url: str) -> None:
    for arguments in (("init", "--server", url, "--force"), ("status",), ("key", "list"), ("key", "rotate")):
        for more in ((), ("--json",)):
            _, out, err = llmring("server", *arguments, *more)
            assert kept_key(folder) not in out + err
            assert masked(kept_key(folder)) in out + err
        out = llmring("server", *arguments, "--show")[1]
        assert kept_key(folder) in out


def test_a_refused_key_is_told(llmring: Run, usage_server: UsageServer) -> None:
    usage_server.refusal = 401
    code, out, _ = llmring("server", "status", "--json")
    found = json.loads(out)
    assert (code, found["key_accepted"], found["health"]["status"]) == (1, False, "healthy")


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ((), 1, "no usage server is set up"),
        (("--server", "http://127.0.0.1:9"), 3, "cannot be reached"),
        (("--server", "not a url"), 1, "http://HOST"),
    ],
)
def test_a_status_that_is_not_well_says_why(
    llmring: Run, arguments: tuple[str, ...], code: int, error: str
) -> None:
    told = llmring("server", "status", *arguments)
    assert told[0] == code
    assert error in told[2]
    found = json.loads(llmring("server", "status", "--json", *arguments)[1])
    assert error in found["error"]
    assert found["key_accepted"] is None


def test_a_server_without_a_key_is_told(llmring: Run, url: str) -> None:
    code, _, err = llmring("server", "status", "--server", url)
    assert code == 1
    assert "llmring server key create --update-env" in err


def test_the_environments_key_does_not_go_to_an_address_of_a_file_here(
    llmring: Run, folder: Path, usage_server: UsageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LLMRING_SERVER_URL")
    (folder / FILE).write_text(f"LLMRING_SERVER_URL={usage_server.url}\n")
    assert llmring("server", "status")[0] == 1
    assert llmring("server", "stats")[0] == 1
    assert not any("x-api-key" in map(str.lower, asked.headers) for asked in usage_server.asked)


def test_a_new_key_goes_where_it_is_told(llmring: Run, folder: Path) -> None:
    code, _, err = llmring("server", "key", "create")
    assert code == 1
    assert "--update-env" in err
    code, out, _ = llmring("server", "key", "create", "--show")
    assert (code, out.count("\n"), (folder / FILE).exists()) == (0, 1, False)
    assert llmring("server", "key", "create", "--update-env")[0] == 0
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    code, _, err = llmring("server", "key", "create", "--update-env")
    assert code == 1
    assert "key rotate" in err


def test_a_key_is_replaced_and_the_rest_stays(llmring: Run, folder: Path) -> None:
    assert llmring("server", "key", "rotate")[0] == 1
    (folder / FILE).write_text("# mine\nLLMRING_API_KEY=llmr_pk_old\nOTHER=1\n")
    assert llmring("server", "key", "rotate")[0] == 0
    assert (
        folder / FILE
    ).read_text() == f"# mine\nexport LLMRING_API_KEY={kept_key(folder).split()[0]}\nOTHER=1\n"
    assert "llmr_pk_old" not in (folder / FILE).read_text()


def test_keys_are_listed_with_where_they_are_from(
    llmring: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = llmring("server", "key", "list")
    assert (code, out) == (1, "")
    assert "there is no key" in err
    monkeypatch.setenv("LLMRING_API_KEY", "short")
    (folder / FILE).write_text("LLMRING_API_KEY=llmr_pk_0123456789\n")
    assert llmring("server", "key", "list") == (
        0,
        "*****\tthe environment\nllmr…6789\t.env.llmring\n",
        "",
    )


def test_a_folder_that_is_not_there_is_an_error(llmring: Run, folder: Path) -> None:
    (folder / "file").write_text("")
    code, _, err = llmring("server", "key", "create", "--update-env", "--env-file", "file/env")
    assert code == 1
    assert err.startswith("error: cannot ")


def test_a_new_key_may_come_with_the_address(llmring: Run, tmp_path: Path) -> None:
    file = tmp_path / "env"
    arguments = ("server", "key", "create", "--env-file", str(file))
    assert "add --update-env" in llmring(*arguments, "--show", "--server", "http://s:1")[2]
    assert "no http" in llmring(*arguments, "--update-env", "--server", "s:1")[2]
    assert llmring(*arguments, "--update-env", "--server", "http://s:1")[0] == 0
    assert "LLMRING_SERVER_URL=http://s:1" in file.read_text()
