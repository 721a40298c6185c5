"""Providers that installed packages bring, in the commands that list providers and models."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]

PLUGIN = """
from llmring_providers.testing import FakeProvider
from llmring_types import ModelFacts


class Acme(FakeProvider):
    async def models(self):
        return [ModelFacts(provider="acme", model="rocket", context_window=9000)]


def create(settings):
    return (FakeProvider if settings.name == "mute" else Acme)("Beep", name=settings.name)
"""


@pytest.fixture(autouse=True)
def plugin(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with two providers, one of which lists no models."""
    site: Path = tmp_path_factory.mktemp("site")
    (site / "acme_llm.py").write_text(PLUGIN)
    info = site / "acme_llm-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-llm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[llmring.providers]\nacme = acme_llm:create\nmute = acme_llm:create\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "acme_llm", raising=False)
    return site


def test_providers_and_doctor_name_them(llmring: Run) -> None:
    rows = {row["name"]: row for row in json.loads(llmring("providers", "--json")[1])}
    assert rows["acme"]["configured"]
    assert "acme\tready\t" in llmring("providers")[1].splitlines()
    doctor = json.loads(llmring("doctor", "--json")[1])
    assert {"acme", "mute"} <= {row["name"] for row in doctor["providers"] if row["error"] is None}


def test_their_models_are_listed(llmring: Run) -> None:
    _, out, err = llmring("list", "--live", "--json")
    assert "mute" not in err
    assert "acme:rocket" in {row["model"] for row in json.loads(out)}
    assert "acme:rocket" in llmring("list", "--live", "--provider", "acme")[1]
    code, _, err = llmring("list", "--live", "--provider", "mute")
    assert (code, "cannot list its models" in err) == (1, True)


def test_a_lockfile_may_bind_their_models(llmring: Run) -> None:
    assert "no provider" not in llmring("bind", "fast", "acme:rocket")[2]
    code, out, _ = llmring("lock", "check", "--json")
    assert (code, "provider-unknown" in out) == (0, False)
    assert "did you mean acme" in llmring("bind", "other", "acmee:rocket")[2]
    assert llmring("chat", "Hi", "-m", "fast")[1] == "Beep\n"
