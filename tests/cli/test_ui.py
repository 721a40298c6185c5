"""ui, as a process."""

import http.client
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from json_output import json_document, validate_output
from llmring.usage import UsageLog
from records import record
from terminal import LLMRING


def test_it_prints_an_address_that_signs_in_and_ends_with_an_interrupt(tmp_path: Path) -> None:
    log = UsageLog(tmp_path / "usage.db")
    log(record())
    log.close()
    environment = {name: value for name, value in os.environ.items() if name != "LLMRING_PAGE_TOKEN"}
    command: list[str | Path] = [LLMRING, "ui", "--log", "usage.db", "--json"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            document = json_document(process.stdout)
            validate_output("ui", document)
            place = urlsplit(document["url"])
            with closing(http.client.HTTPConnection(place.netloc, timeout=30)) as connection:
                connection.request("GET", f"{place.path}?{place.query}")
                with connection.getresponse() as reply:
                    cookie = reply.headers["set-cookie"].partition(";")[0]
                connection.request("GET", "/?days=90", headers={"cookie": cookie})
                with connection.getresponse() as reply:
                    assert b'<h2 id="usage-title">Usage</h2>' in reply.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 130
        finally:
            process.kill()
